package game

import (
	"context"
	"encoding/csv"
	"flag"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/trace"
)

var update = flag.Bool("update", false, "record the strength of the suite anew")

// TestSuiteKeepsItsStrength holds every attack to what it reached when
// strength.csv was recorded: a suite that has become weaker would pass policies
// that it used to find. Verdicts of Check rest on the same record.
func TestSuiteKeepsItsStrength(t *testing.T) {
	now, err := Strength(context.Background(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		rows := [][]string{{"world", "attack", "auc", "lo", "hi"}}
		number := func(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }
		for _, r := range now {
			if r.Lo > 0.5 { // else it has no strength here
				rows = append(rows, []string{r.World, r.Attack, number(r.AUC), number(r.Lo), number(r.Hi)})
			}
		}
		var b strings.Builder
		if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("strength.csv", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		strengthRecord = b.String()
	}
	for _, s := range Shortfalls(RecordedStrength(), now) {
		t.Error(s)
	}
}

// Every attack that is mounted somewhere has a leak on record that it finds.
func TestEveryAttackIsOnRecord(t *testing.T) {
	for _, v := range []trace.Vantage{trace.VantageNetDb, trace.VantageFloodfill, trace.VantageClient, trace.VantagePeer} {
		for _, name := range attack.NamesAt(v) {
			if !slices.ContainsFunc(RecordedStrength(), func(r Reached) bool { return r.Attack == name && r.Lo > 0.6 }) {
				t.Errorf("no game on record in which attack %s has an AUC whose interval lies above 0.6", name)
			}
		}
	}
}

func TestShortfalls(t *testing.T) {
	record := RecordedStrength()
	if len(record) < 40 {
		t.Fatalf("%d attacks on record", len(record))
	}
	now := append([]Reached(nil), record...)
	now[3].AUC = now[3].Lo // at the end of the interval is within it
	if short := Shortfalls(record, now); short != nil {
		t.Errorf("the record falls short of itself: %v", short)
	}
	now[3].AUC = now[3].Lo - 0.01
	now[5].AUC = now[5].Lo - 0.2
	now = append(now[:7:7], now[8:]...)
	short := Shortfalls(record, now)
	if len(short) != 3 || short[0].Record != record[7] || short[1].Record != record[5] || short[2].Record != record[3] {
		t.Fatalf("shortfalls %v", short)
	}
	if !math.IsNaN(short[0].Now) || !strings.Contains(short[0].String(), " is gone ") {
		t.Errorf("an attack that is gone: %v", short[0])
	}
	if text := short[1].String(); !strings.Contains(text, "attack "+record[5].Attack+" reaches an AUC of ") {
		t.Errorf("%q", text)
	}
}
