package reports_test

import (
	"fmt"
	"os"

	"multihome.i2p/analysis/result"
	"multihome.i2p/reports"
)

// From numbers to files: the caller fills cells and figures, and writes what
// Files returns.
func Example() {
	cell := result.Cell{Arm: result.Policy}
	cell.SetParam("destination.scheme", result.String("p140"))
	cell.SetParam("destination.routers.count", result.Number(4))
	cell.Set("distinct_ibgw_per_leaseset", result.Metric{Center: 11.38, Lo: 11.21, Hi: 11.55, Confidence: 0.95, N: 200, Unit: "routers"})
	cell.Set("attack.best.auc", result.Metric{Center: 0.826, Lo: 0.784, Hi: 0.861, Confidence: 0.95, N: 200, Unit: "1"})
	cell.Set("failover_s", result.Undefined(0, "s"))

	report := reports.Report{
		Summary: &result.Summary{Scenario: "four-routers", Seed: 140, Trials: 200, Commit: "0123abc", Cells: []result.Cell{cell}},
		Figures: &result.Figures{
			Text: result.Text{
				Question: "Can four routers be told from one?",
				Answer:   "Yes: AUC 0.83 (0.78 to 0.86).",
				Command:  "mhsim run four-routers --seed 140",
			},
			Figures: []result.Figure{{
				ID: "accumulation", Title: "Distinct IBGWs over time", Kind: result.Curve,
				X: result.Axis{Label: "Time observed", Unit: "h"},
				Y: result.Axis{Label: "Distinct IBGWs", Unit: "routers"},
				Series: []result.Series{{
					Label: "four routers", Arm: result.Policy, N: 200, Confidence: 0.95,
					X: []float64{0, 6, 12}, Y: []float64{11, 40, 61}, Lo: []float64{10, 37, 57}, Hi: []float64{12, 43, 65},
				}},
			}},
		},
	}
	files, err := report.Files()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		fmt.Println(f.Name)
	}
	fmt.Println()
	if err := reports.WriteTable(os.Stdout, report.Summary, reports.TableOptions{Width: 80}); err != nil {
		fmt.Println(err)
	}

	// Output:
	// summary.json
	// figures.json
	// results.csv
	// plots/accumulation.svg
	// report.html
	//
	// four-routers: seed 140, 200 trials per arm, commit 0123abc
	//
	// metric                      policy                unit       n
	// ---------------------------------------------------------------
	// distinct_ibgw_per_leaseset  11.38 [11.21, 11.55]  routers  200
	// failover_s                  undefined             s          0
	//
	// attacks, full duration:
	// best.auc                    0.826 [0.784, 0.861]           200
	// [ ] holds an interval of at least 95% confidence
	// warning: policy: failover_s: undefined: center, lo, hi (n = 0)
}
