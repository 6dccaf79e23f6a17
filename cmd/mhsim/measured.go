package main

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"multihome.i2p/analysis/result"
)

// measuredCSV holds what was found of each policy: `make price` writes it.
//
//go:embed policies.csv
var measuredCSV string

// told is the metric by which a policy is told from its reference.
const told = "attack." + result.BestAttack + ".auc"

// measuredMetrics are the figures of a policy, and what they are called.
var measuredMetrics = []struct{ metric, words string }{
	{told, "told from one router with AUC"},
	{"first_contact_success", "first contacts"},
	{"delivery", "delivery"},
	{"stream_survival", "streams that survive"},
	{"availability", "availability"},
	{"dead_lease_share", "dead leases listed"},
	{"failover_s", "failover in the netDb, s"},
	{"client_failover_s", "clients wait after a loss, s"},
	{"router_load_jain", "load balance"},
	{"tunnel_builds_per_h", "tunnel builds/h"},
	{"leaseset_publishes_per_10min", "publishes/10 min"},
}

// measured are the figures of one variant of a finished run.
type measured struct {
	scenario, question, command, commit string
	seed                                uint64
	trials                              int
	variant, policy                     string
	figures                             []measuredFigure
}

type measuredFigure struct {
	metric string
	value  result.Metric
}

// sameRun tells whether two are of one run.
func (m *measured) sameRun(o *measured) bool {
	return m.scenario == o.scenario && m.command == o.command && m.commit == o.commit && m.seed == o.seed && m.trials == o.trials
}

// shippedFigures are those that are part of the program.
func shippedFigures() ([]measured, error) { return readMeasured(strings.NewReader(measuredCSV)) }

// measuredIn takes the figures of all policies from the results in a directory.
func measuredIn(dir string) ([]measured, error) {
	r, err := readReport(dir)
	if err != nil {
		return nil, err
	}
	var list []measured
	for i := range r.Summary.Cells {
		c := &r.Summary.Cells[i]
		policy, ok := c.Param("destination.policy")
		if c.Arm != result.Policy || !ok {
			continue
		}
		m := measured{
			scenario: r.Summary.Scenario, question: r.Figures.Text.Question, command: r.Figures.Text.Command,
			commit: r.Summary.Commit, seed: r.Summary.Seed, trials: r.Summary.Trials, policy: policy.String(),
		}
		if name, ok := c.Param("variants.name"); ok {
			m.variant = name.String()
		}
		for _, x := range measuredMetrics {
			if value, ok := c.Metric(x.metric); ok {
				m.figures = append(m.figures, measuredFigure{x.metric, value})
			}
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		return nil, inputErrorf("the results in %s are of no policy; give those of a scenario whose scheme has a balancer", dir)
	}
	return list, nil
}

var measuredHeader = []string{
	"scenario", "question", "command", "commit", "seed", "trials", "variant", "policy",
	"metric", "center", "lo", "hi", "confidence", "n", "unit",
}

// writeMeasured writes figures as comma-separated values.
func writeMeasured(w io.Writer, list []measured) error {
	out := csv.NewWriter(w)
	if err := out.Write(measuredHeader); err != nil {
		return err
	}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for i := range list {
		m := &list[i]
		for _, f := range m.figures {
			v := f.value
			err := out.Write([]string{
				m.scenario, m.question, m.command, m.commit, strconv.FormatUint(m.seed, 10), strconv.Itoa(m.trials), m.variant, m.policy,
				f.metric, number(v.Center), number(v.Lo), number(v.Hi), number(v.Confidence), strconv.Itoa(v.N), v.Unit,
			})
			if err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// readMeasured reads what writeMeasured has written.
func readMeasured(r io.Reader) ([]measured, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("policies.csv: %w", err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], measuredHeader) {
		return nil, fmt.Errorf("policies.csv: the first line is not %s", strings.Join(measuredHeader, ","))
	}
	var list []measured
	for i, row := range rows[1:] {
		var failed error
		whole := func(text string) int {
			n, err := strconv.Atoi(text)
			if err != nil {
				failed = err
			}
			return n
		}
		number := func(text string) float64 {
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				failed = err
			}
			return x
		}
		m := measured{
			scenario: row[0], question: row[1], command: row[2], commit: row[3],
			seed: uint64(whole(row[4])), trials: whole(row[5]), variant: row[6], policy: row[7],
		}
		f := measuredFigure{row[8], result.Metric{
			Center: number(row[9]), Lo: number(row[10]), Hi: number(row[11]), Confidence: number(row[12]), N: whole(row[13]), Unit: row[14],
		}}
		if failed != nil {
			return nil, fmt.Errorf("policies.csv: line %d: %w", i+2, failed)
		}
		if n := len(list); n == 0 || !list[n-1].sameRun(&m) || list[n-1].variant != m.variant || list[n-1].policy != m.policy {
			list = append(list, m)
		}
		last := &list[len(list)-1]
		last.figures = append(last.figures, f)
	}
	return list, nil
}

// sentence tells the figures of one variant.
func (m *measured) sentence() string {
	var parts []string
	for _, x := range measuredMetrics {
		if i := slices.IndexFunc(m.figures, func(f measuredFigure) bool { return f.metric == x.metric }); i >= 0 {
			parts = append(parts, x.words+" "+intervalText(m.figures[i].value))
		}
	}
	name := m.scenario
	if m.variant != "" && m.variant != m.policy {
		name += ", " + m.variant
	}
	return name + ": " + strings.Join(parts, "; ")
}

// origin tells what the figures of a run are of.
func (m *measured) origin() string {
	commit := m.commit
	if commit == "" {
		commit = "unknown"
	}
	return fmt.Sprintf("%s: %s (%s; seed %d, %d trials of each arm, commit %s)", m.scenario, m.question, m.command, m.seed, m.trials, commit)
}

// intervalText writes a value with its interval, rounded outwards to the digits that
// this tells apart.
func intervalText(m result.Metric) string {
	if !m.Defined() {
		return "undefined"
	}
	digits := 3
	if width := m.Hi - m.Lo; width > 0 {
		digits = min(4, max(0, 2-int(math.Ceil(math.Log10(width)))))
	}
	text := strconv.FormatFloat(m.Center, 'f', digits, 64)
	if m.HasInterval() {
		scale := math.Pow10(digits)
		text += fmt.Sprintf(" [%.*f, %.*f]", digits, math.Floor(m.Lo*scale)/scale, digits, math.Ceil(m.Hi*scale)/scale)
	}
	return text
}
