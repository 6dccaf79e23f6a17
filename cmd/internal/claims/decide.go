package claims

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"multihome.i2p/analysis/result"
	"multihome.i2p/scenarios"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// A Word says how a claim fares.
type Word string

// Words of a verdict.
const (
	Holds        Word = "holds"
	Fails        Word = "fails"
	Undecided    Word = "undecided"
	NotSimulated Word = "not simulated"
)

// A Verdict is what a simulation says of a claim.
type Verdict struct {
	Claim *Claim
	Word  Word
	// Found are the metrics that were held against the bounds, with those that
	// decide first.
	Found []Found
	// Why says in words why there is no verdict, or how many more trials one needs.
	Why string
	// Trials of each arm.
	Trials int
}

// A Found metric was held against a bound.
type Found struct {
	Bound  game.Limit
	Got    result.Metric
	Kept   game.Verdict
	By, At string // the attack behind it; where in the scenario's sweep
}

// Options of Decide.
type Options struct {
	Names    scenario.Names
	Workers  int
	Progress func(game.Progress)
	// Quick plays a tenth of the trials, for a first look; most verdicts then stay
	// open.
	Quick bool
}

// Decide plays a claim's scenario. Each verdict is wrong with a chance of at most 5 %.
func Decide(ctx context.Context, c *Claim, opt Options) (*Verdict, error) {
	v := &Verdict{Claim: c, Word: NotSimulated, Why: c.Pending}
	if c.Pending != "" {
		return v, nil
	}
	s, err := load(c.Scenario, opt)
	all := []*scenario.Scenario{s}
	if err == nil && c.Against != "" {
		var other *scenario.Scenario
		other, err = load(c.Against, opt)
		all = []*scenario.Scenario{other, s}
	}
	if err == nil {
		v.Trials = s.Trials
		if len(c.Limits) > 0 {
			err = v.check(ctx, s, opt)
		} else {
			err = v.compare(ctx, all, opt)
		}
	}
	switch {
	case errors.Is(err, game.ErrStopped):
		return nil, err // no fault of the claim
	case err != nil:
		return nil, fmt.Errorf("claim %s: %w", c.ID, err)
	}
	return v, nil
}

// load reads a scenario of the claims.
func load(name string, opt Options) (*scenario.Scenario, error) {
	data, ok := scenarios.Get(scenarios.ClaimPrefix + name)
	if !ok {
		return nil, fmt.Errorf("no scenario %s", name)
	}
	s, err := scenario.Parse(scenarios.ClaimPrefix+name+".yaml", data, opt.Names)
	if err == nil && opt.Quick {
		s, err = s.With(scenario.Override{Flag: "quick", Path: "trials", Value: strconv.Itoa(max(4, s.Trials/10))})
	}
	return s, err
}

// check holds the scenario to limits.
func (v *Verdict) check(ctx context.Context, s *scenario.Scenario, opt Options) error {
	limits := make([]game.Limit, len(v.Claim.Limits))
	for i := range limits {
		limits[i] = v.Claim.Limits[i].limit()
	}
	res, err := game.Check(ctx, s, game.CheckOptions{Workers: opt.Workers, Progress: opt.Progress, Limits: limits})
	if err != nil {
		return err
	}
	v.Word = word(res.Verdict)
	for pass := range 2 { // the cell that decides first
		for i := range res.Cells {
			if (i == res.Deciding) != (pass == 0) {
				continue
			}
			for _, l := range res.Cells[i].Limits {
				v.Found = append(v.Found, Found{Bound: l.Limit, Got: l.Got, Kept: l.Verdict, By: l.By, At: res.Cells[i].Grid})
			}
		}
	}
	if v.Word == Undecided && res.More > 0 {
		v.Why = fmt.Sprintf("About %d more trials would decide it.", res.More)
	}
	return nil
}

func word(v game.Verdict) Word {
	switch v {
	case game.Pass:
		return Holds
	case game.Fail:
		return Fails
	}
	return Undecided
}

// compare holds the differences of the last cell and the very first to bounds. All
// intervals must lie within for the claim to hold, and one beyond for it to fail, at a
// level that counts the bounds.
func (v *Verdict) compare(ctx context.Context, all []*scenario.Scenario, opt Options) error {
	cmp, err := game.Compare(ctx, all, game.Options{Workers: opt.Workers, Progress: opt.Progress})
	if err != nil {
		return err
	}
	last := &cmp.Contenders[len(cmp.Contenders)-1]
	v.Word = Holds
	for i := range v.Claim.Differences {
		l := v.Claim.Differences[i].limit()
		m, ok := last.Differences.Metric(l.Metric)
		if !ok {
			return fmt.Errorf("there is no difference of %s", l.Metric)
		}
		f := Found{Bound: l, Got: m, Kept: l.Kept(m), At: last.Label + " minus " + cmp.Contenders[0].Label}
		v.Found = append(v.Found, f)
		switch {
		case f.Kept == game.Fail:
			v.Word = Fails
		case f.Kept == game.Inconclusive && v.Word == Holds:
			v.Word = Undecided
		}
	}
	return nil
}

// Lines tell what was found, a line for each metric with its bounds.
func (v *Verdict) Lines() []string {
	var lines, metrics []string
	for i := range v.Found {
		f := &v.Found[i]
		text := f.text()
		bound := fmt.Sprintf("at least %g", f.Bound.Value)
		if f.Bound.Most {
			bound = fmt.Sprintf("at most %g", f.Bound.Value)
		}
		if k := slices.Index(metrics, text); k >= 0 {
			lines[k] += ", " + bound
			continue
		}
		metrics = append(metrics, text)
		lines = append(lines, text+"; bound: "+bound)
	}
	return lines
}

// text writes a found metric with its interval.
func (f *Found) text() string {
	text := f.Bound.Metric
	if f.By != "" {
		text += " (" + f.By + ")"
	}
	if f.At != "" {
		text += ", " + f.At
	}
	return text + ": " + number(f.Got)
}

// number writes a metric with its interval, rounded outwards, and its n.
func number(m result.Metric) string {
	if !m.Defined() {
		return fmt.Sprintf("undefined (n = %d)", m.N)
	}
	digits := 3
	if width := m.Hi - m.Lo; width > 0 {
		digits = min(6, max(0, 2-int(math.Ceil(math.Log10(width)))))
	}
	scale := math.Pow10(digits)
	text := strconv.FormatFloat(m.Center, 'f', digits, 64)
	if m.HasInterval() {
		text += fmt.Sprintf(" [%.*f, %.*f]", digits, math.Floor(m.Lo*scale)/scale, digits, math.Ceil(m.Hi*scale)/scale)
	}
	if m.Unit != "" && m.Unit != "1" {
		text += " " + m.Unit
	}
	return strings.ReplaceAll(text, "-0 ", "0 ") + fmt.Sprintf(" (n = %d)", m.N)
}
