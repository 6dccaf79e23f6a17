package main

import (
	"bytes"
	"math"
	"testing"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// The JSON of a verdict keeps its names and its form.
func TestCheckGolden(t *testing.T) {
	s := &scenario.Scenario{Name: "mine", Seed: 140}
	limits := []game.Limit{
		{Metric: game.MaxAUC, Most: true, Value: 0.55},
		{Metric: "availability", Value: 0.999},
		{Metric: "availability", Most: true, Value: 1},
	}
	auc := result.Metric{Center: 0.52, Lo: 0.5, Hi: 0.561, Confidence: 0.975, N: 800, Unit: "1"}
	share := result.Metric{Center: 0.9995, Lo: 0.9991, Hi: math.NaN(), Confidence: 0.975, N: 400, Unit: "share"}
	cell := func(verdict game.Verdict, more int) game.CheckedCell {
		return game.CheckedCell{
			Params: []result.Param{
				{Path: "destination.routers.count", Value: result.Number(4)}, {Path: "destination.policy", Value: result.String("per-router")},
			},
			Grid: "count 4", Verdict: verdict, Trials: 400, More: more,
			Limits: []game.CheckedLimit{
				{Limit: limits[0], Got: auc, Verdict: verdict, More: more, By: "combined of poller at 24h"},
				{Limit: limits[1], Got: share, Verdict: game.Pass},
				{Limit: limits[2], Got: share, Verdict: game.Pass},
			},
		}
	}
	v := &verdict{scenario: s, limits: limits, commit: "0123abc", record: make([]game.Reached, 46), command: "mhsim trace mine.yaml --seed 140 --trial 7 --cell 1"}
	v.result = &game.CheckResult{
		Verdict: game.Inconclusive, Reason: "max_auc 0.520 [0.500, 0.561], limit at most 0.55; about 300 more trials decide it",
		Seed: 140, Trials: 400, Most: 800, Looks: 3, Deciding: 1, More: 300,
		Cells:    []game.CheckedCell{cell(game.Pass, 0), cell(game.Inconclusive, 300), cell(game.Inconclusive, 0)},
		Worst:    &game.WorstTrial{Cell: 1, Trial: 7, What: "attack combined of poller at 24h scores 3.2"},
		Warnings: []string{"a warning"},
	}
	invalid := &verdict{scenario: s, limits: limits[:1], short: game.Shortfalls(game.RecordedStrength(), nil)[:1]}
	schema := compile(t, "check")
	for name, v := range map[string]*verdict{"check.golden.json": v, "an INVALID one": invalid} {
		var b bytes.Buffer
		if err := v.write(&b, true); err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, b.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "check.golden.json" {
			golden(t, name, b.Bytes())
		}
	}
}
