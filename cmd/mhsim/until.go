package main

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// defaultMaxTrials bounds a run with --until: the AUC of attacks that guess is then
// known to within 0.02.
const (
	defaultMaxTrials = 10_000
	mostMaxTrials    = 1_000_000 // as of the key trials
)

// untilOf reads --until and --max-trials; nil is a run of the scenario's trials.
func untilOf(c *cli.Context, all []*scenario.Scenario) (*game.Until, error) {
	if !c.IsSet("until") {
		if c.IsSet("max-trials") {
			return nil, inputErrorf("--max-trials bounds a run with --until; give --until too, or --trials instead")
		}
		return nil, nil
	}
	u := &game.Until{Max: defaultMaxTrials}
	var err error
	if u.Width, err = strconv.ParseFloat(c.String("until"), 64); err != nil || !(u.Width > 0 && u.Width < 1) {
		return nil, inputErrorf("--until: %q is no width between 0 and 1, such as 0.05", c.String("until"))
	}
	if c.IsSet("max-trials") {
		if u.Max, err = strconv.Atoi(c.String("max-trials")); err != nil || u.Max < 1 || u.Max > mostMaxTrials {
			return nil, inputErrorf("--max-trials: %q is not a whole number from 1 to %d", c.String("max-trials"), mostMaxTrials)
		}
	}
	for _, s := range all {
		if u.Max < s.Trials {
			return nil, inputErrorf("--max-trials: %d is less than the %d trials that %s begins with; raise it, or lower --trials", u.Max, s.Trials, s.Name)
		}
	}
	return u, nil
}

// untilSettings are the flags of a run with --until, all written out.
func untilSettings(u *game.Until) []string {
	if u == nil {
		return nil
	}
	return []string{"--until", strconv.FormatFloat(u.Width, 'g', -1, 64), "--max-trials", strconv.Itoa(u.Max)}
}
