package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// Exit codes of check beside 0 (PASS) and 1 (FAIL).
const (
	exitInconclusive = 3
	exitInvalid      = 4
)

// mostTrials is how far --until-decided goes by default.
const mostTrials = 4000

// A limitFlag is a flag of its own for a limit that many will want.
type limitFlag struct {
	name, metric string
	most         bool
}

var limitFlags = []limitFlag{
	{"max-auc", game.MaxAUC, true},
	{"max-tpr-at-1pct", game.MaxTPR, true},
	{"min-availability", "availability", false},
	{"min-first-contact", "first_contact_success", false},
	{"min-delivery", "delivery", false},
	{"min-stream-survival", "stream_survival", false},
	{"max-dead-leases", "dead_lease_share", true},
	{"max-failover", "failover_s", true},
}

// limitRanges are the values that metrics can have, where a slip such as 60 for 60 %
// would make a limit that every policy keeps, or none.
var limitRanges = map[string][2]float64{
	game.MaxAUC:             {0.5, 1},
	game.MaxTPR:             {0, 1},
	"availability":          {0, 1},
	"first_contact_success": {0, 1},
	"delivery":              {0, 1},
	"stream_survival":       {0, 1},
	"dead_lease_share":      {0, 1},
}

func (t *tool) checkCommand() *command {
	c := &command{
		name: "check", help: checkHelp, least: 1, most: 1, argument: "SCENARIO", action: t.check,
		flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "at-most"},
			&cli.StringSliceFlag{Name: "at-least"},
			&cli.BoolFlag{Name: "until-decided"},
			&cli.StringFlag{Name: "max-trials"},
			&cli.BoolFlag{Name: "json"},
			&cli.StringFlag{Name: "seed"},
			&cli.StringFlag{Name: "trials"},
			&cli.StringFlag{Name: "duration"},
			&cli.StringFlag{Name: "workers"},
		},
	}
	for _, f := range limitFlags {
		c.flags = append(c.flags, &cli.StringFlag{Name: f.name})
	}
	return c
}

func (t *tool) check(c *cli.Context) error {
	limits, err := limitsOf(c)
	if err != nil {
		return err
	}
	opt := game.CheckOptions{Limits: limits}
	if opt.Workers, err = workerCount(c); err != nil {
		return err
	}
	if opt.Most, err = mostOf(c); err != nil {
		return err
	}
	overrides, _ := overridesOf(c)
	all, err := loadAll(c.Args().Slice(), overrides)
	if err != nil {
		return err
	}
	s := all[0]
	if c.Bool("until-decided") && !c.IsSet("max-trials") {
		opt.Most = max(mostTrials, s.Trials)
	}
	if err := opt.Fits(s); err != nil {
		return inputError(err)
	}
	v := &verdict{scenario: s, limits: limits, commit: t.build.commit, record: game.RecordedStrength()}
	if v.reached, err = t.strength(opt.Workers); err != nil {
		return err
	}
	v.short = game.Shortfalls(v.record, v.reached)
	if len(v.short) == 0 {
		if v.result, err = t.playCheck(s, opt); err != nil {
			return err
		}
		if w := v.result.Worst; w != nil {
			v.command = traceCommand(c, s, w, len(v.result.Cells))
		}
	}
	if err := v.write(t.stdout, c.Bool("json")); err != nil {
		return err
	}
	return v.exit()
}

// playCheck plays a check under a progress line.
func (t *tool) playCheck(s *scenario.Scenario, opt game.CheckOptions) (res *game.CheckResult, err error) {
	defer collectSeldom(game.LearnedBytes(s))()
	scratch, err := temporaryScratch()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scratch.close()) }()
	opt.Scratch = scratch
	err = t.watched(s.Name, func(ctx context.Context, watch func(game.Progress)) error {
		opt.Progress = watch
		res, err = game.Check(ctx, s, opt)
		return err
	})
	var wrong *game.LimitError
	if errors.As(err, &wrong) {
		return nil, inputError(err)
	}
	return res, err
}

// watched runs f under a progress line, until it ends or a signal stops it.
func (t *tool) watched(label string, f func(ctx context.Context, watch func(game.Progress)) error) error {
	var watched io.Writer
	if t.terminal {
		watched = t.stderr
	}
	line := newProgressLine(watched, label, time.Now)
	defer line.clear()
	ctx, stop := t.untilSignal(func() {
		line.say(t.stderr, "mhsim: stopping; a second interrupt exits at once")
	})
	defer stop()
	err := f(ctx, func(p game.Progress) {
		line.update(p)
		if t.watch != nil {
			t.watch(p)
		}
	})
	if errors.Is(err, game.ErrStopped) {
		return fmt.Errorf("%s: %w; nothing is kept", label, err)
	}
	return err
}

// limitsOf reads all limits of the command line.
func limitsOf(c *cli.Context) ([]game.Limit, error) {
	var limits []game.Limit
	for _, f := range limitFlags {
		if !c.IsSet(f.name) {
			continue
		}
		x, err := limitValue("--"+f.name, c.String(f.name))
		if err != nil {
			return nil, err
		}
		limits = append(limits, game.Limit{Metric: f.metric, Most: f.most, Value: x})
	}
	for _, flag := range []string{"at-most", "at-least"} {
		for _, text := range c.StringSlice(flag) {
			metric, value, ok := strings.Cut(text, "=")
			if !ok || metric == "" {
				return nil, inputErrorf("--%s: %q is not of the form METRIC=VALUE, such as %s=0.55", flag, text, game.MaxAUC)
			}
			x, err := limitValue("--"+flag+" "+metric, value)
			if err != nil {
				return nil, err
			}
			limits = append(limits, game.Limit{Metric: metric, Most: flag == "at-most", Value: x})
		}
	}
	for i, l := range limits {
		if r, ok := limitRanges[l.Metric]; ok && (l.Value < r[0] || l.Value > r[1]) {
			return nil, inputErrorf("%s goes from %v to %v: a limit of %v decides nothing", l.Metric, r[0], r[1], l.Value)
		}
		if slices.ContainsFunc(limits[:i], func(o game.Limit) bool { return o.Metric == l.Metric && o.Most == l.Most }) {
			return nil, inputErrorf("%s has two limits of the same kind; leave one out", l.Metric)
		}
	}
	if len(limits) == 0 {
		return nil, inputErrorf("nothing to check: give a limit, such as --max-auc 0.55")
	}
	return limits, nil
}

func limitValue(flag, text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, inputErrorf("%s: %q is not a number", flag, text)
	}
	return x, nil
}

// mostOf is the number of trials at which a check gives up; 0 if it looks once.
func mostOf(c *cli.Context) (int, error) {
	if !c.IsSet("max-trials") {
		return 0, nil
	}
	if !c.Bool("until-decided") {
		return 0, inputErrorf("--max-trials bounds --until-decided; give both, or --trials")
	}
	n, err := strconv.Atoi(c.String("max-trials"))
	if err != nil || n < 1 || n > 1_000_000 {
		return 0, inputErrorf("--max-trials: %q is not a whole number from 1 to 1000000", c.String("max-trials"))
	}
	return n, nil
}

// traceCommand is the command that writes the traces of a trial.
func traceCommand(c *cli.Context, s *scenario.Scenario, w *game.WorstTrial, cells int) string {
	words := []string{"trace", c.Args().First(), "--seed", strconv.FormatUint(s.Seed, 10)}
	if c.IsSet("duration") {
		words = append(words, "--duration", c.String("duration"))
	}
	words = append(words, "--trial", strconv.Itoa(w.Trial)) // whatever the number of trials
	if cells > 1 {
		words = append(words, "--cell", strconv.Itoa(w.Cell))
	}
	return commandLine(words)
}

// verdict is the outcome of mhsim check.
type verdict struct {
	scenario *scenario.Scenario
	limits   []game.Limit
	commit   string
	record   []game.Reached
	reached  []game.Reached
	short    []game.Shortfall
	result   *game.CheckResult // nil if the suite fell short
	command  string            // writes the traces of the worst trial
}

func (v *verdict) word() game.Verdict {
	if v.result == nil {
		return game.Invalid
	}
	return v.result.Verdict
}

func (v *verdict) reason() string {
	if v.result != nil {
		return v.result.Reason
	}
	text := v.short[0].String()
	if n := len(v.short) - 1; n > 0 {
		text += fmt.Sprintf("; %s fall short in all", count(n+1, "attack"))
	}
	return text
}

// exit makes the exit code. A verdict is not a failure of the program, and the last
// line of the output helps to look into it.
func (v *verdict) exit() error {
	switch v.word() {
	case game.Pass:
		return nil
	case game.Invalid:
		return &exitError{code: exitInvalid, err: errors.New("the attacks are weaker than on record, so a pass would mean nothing; use another build of mhsim")}
	}
	code := exitFailure
	if v.word() == game.Inconclusive {
		code = exitInconclusive
	}
	e := &exitError{code: code, err: fmt.Errorf("%s: %s", v.scenario.Name, v.word()), command: v.command}
	if w := v.result.Worst; w != nil {
		e.err = fmt.Errorf("%s: trial %d is the one to look at: %s; the command below writes its traces", v.scenario.Name, w.Trial, w.What)
	}
	return e
}

// checkJSON is what check --json prints; docs/formats.md and the schema describe it.
type (
	checkJSON struct {
		Format   string                 `json:"format"`
		Version  int                    `json:"version"`
		Verdict  game.Verdict           `json:"verdict"`
		Reason   string                 `json:"reason"`
		Scenario string                 `json:"scenario"`
		Seed     uint64                 `json:"seed"`
		Commit   string                 `json:"commit"`
		Trials   int                    `json:"trials"`
		Most     int                    `json:"most_trials"`
		Looks    int                    `json:"looks"`
		Limits   map[string]*boundsJSON `json:"limits"`
		Metrics  map[string]metricJSON  `json:"metrics"`
		More     *int                   `json:"more_trials"`
		Cell     *int                   `json:"cell"`
		Cells    []cellJSON             `json:"cells"`
		Worst    *worstJSON             `json:"worst_trial"`
		Strength strengthJSON           `json:"strength"`
		Warnings []string               `json:"warnings"`
	}
	boundsJSON struct {
		AtMost  *float64 `json:"at_most,omitempty"`
		AtLeast *float64 `json:"at_least,omitempty"`
	}
	metricJSON struct {
		Center     number `json:"center"`
		Lo         number `json:"lo"`
		Hi         number `json:"hi"`
		Confidence number `json:"confidence"`
		N          int    `json:"n"`
		Unit       string `json:"unit"`
	}
	cellJSON struct {
		Params  map[string]result.Value `json:"params"`
		Verdict game.Verdict            `json:"verdict"`
		Trials  int                     `json:"trials"`
		More    *int                    `json:"more_trials"`
		Limits  []limitJSON             `json:"limits"`
	}
	limitJSON struct {
		Metric string `json:"metric"`
		boundsJSON
		Verdict game.Verdict `json:"verdict"`
		Got     metricJSON   `json:"got"`
		By      string       `json:"by"`
		More    *int         `json:"more_trials"`
	}
	worstJSON struct {
		Arm     scenario.Arm `json:"arm"`
		Cell    int          `json:"cell"`
		Trial   int          `json:"trial"`
		What    string       `json:"what"`
		Command string       `json:"command"`
	}
	strengthJSON struct {
		Checked    int      `json:"checked"`
		Shortfalls []string `json:"shortfalls"`
	}
)

// number is a float64 that JSON holds as null where it is undefined.
type number float64

// MarshalJSON implements json.Marshaler.
func (x number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(x))
}

func asMetric(m result.Metric) metricJSON {
	return metricJSON{number(m.Center), number(m.Lo), number(m.Hi), number(m.Confidence), m.N, m.Unit}
}

func asBounds(l game.Limit) boundsJSON {
	if l.Most {
		return boundsJSON{AtMost: &l.Value}
	}
	return boundsJSON{AtLeast: &l.Value}
}

// asMore is null where the number of trials cannot be told.
func asMore(v game.Verdict, n int) *int {
	if v == game.Inconclusive && n == 0 {
		return nil
	}
	return &n
}

func (v *verdict) write(w io.Writer, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintf(w, "%s %s: %s\n", v.word(), v.scenario.Name, v.reason())
		return err
	}
	return writeJSON(w, v.form())
}

func (v *verdict) form() *checkJSON {
	form := &checkJSON{
		Format: "multihome-check", Version: 1, Verdict: v.word(), Reason: v.reason(),
		Scenario: v.scenario.Name, Seed: v.scenario.Seed, Commit: v.commit,
		Limits: map[string]*boundsJSON{}, Metrics: map[string]metricJSON{}, More: new(int), Cells: []cellJSON{},
		Strength: strengthJSON{Checked: len(v.record), Shortfalls: []string{}},
		Warnings: []string{},
	}
	for _, l := range v.limits {
		b := form.Limits[l.Metric]
		if b == nil {
			b = &boundsJSON{}
			form.Limits[l.Metric] = b
		}
		if value := l.Value; l.Most {
			b.AtMost = &value
		} else {
			b.AtLeast = &value
		}
	}
	for _, s := range v.short {
		form.Strength.Shortfalls = append(form.Strength.Shortfalls, s.String())
	}
	r := v.result
	if r == nil {
		return form
	}
	form.Trials, form.Most, form.Looks = r.Trials, r.Most, r.Looks
	form.More, form.Cell = asMore(r.Verdict, r.More), &r.Deciding
	form.Warnings = append(form.Warnings, r.Warnings...)
	for i := range r.Cells {
		from := &r.Cells[i]
		cell := cellJSON{Params: map[string]result.Value{}, Verdict: from.Verdict, Trials: from.Trials, More: asMore(from.Verdict, from.More)}
		for _, p := range from.Params {
			cell.Params[p.Path] = p.Value
		}
		for k := range from.Limits {
			l := &from.Limits[k]
			got := asMetric(l.Got)
			if i == r.Deciding {
				form.Metrics[l.Metric] = got
			}
			cell.Limits = append(cell.Limits, limitJSON{l.Metric, asBounds(l.Limit), l.Verdict, got, l.By, asMore(l.Verdict, l.More)})
		}
		form.Cells = append(form.Cells, cell)
	}
	if w := r.Worst; w != nil {
		form.Worst = &worstJSON{scenario.PolicyArm, w.Cell, w.Trial, w.What, v.command}
	}
	return form
}

// writeJSON writes a form with a newline at the end.
func writeJSON(w io.Writer, form any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(form); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
