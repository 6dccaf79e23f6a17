// Package assess says what a trace tells of a service: how many routers host it,
// as far as the built-in attacks and estimators can see. It is what mhsim
// analyze prints, and what mhbalance audit prints of its own LeaseSets.
package assess

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/reports"
)

const confidence = 0.95

// scoreUnit is the unit of attack.<name>.score, a logarithm of odds.
const scoreUnit = "nats"

// judgedMs is how much of a trace the attacks judge: in a longer one, fast tiers
// that change make one router look like several.
const judgedMs = 6 * 3600 * 1000

// The rule of the verdict; the help text and the schema state it.
const (
	singleFrom   = 0.95 // posterior probability of one router
	multiTo      = 0.05
	minLeaseSets = 3
	// maxGateways is the largest set of gateways that passes for that of Java
	// routers: a quarter each of the fast tiers, of up to 75 peers, of as many
	// routers as attacks consider. i2pd draws from the whole netDb, and one i2pd
	// router then looks like any number of Java routers.
	maxGateways = attack.MaxRouters * 75 / 4
)

// A Verdict says what a trace shows.
type Verdict string

// Verdicts.
const (
	Single       Verdict = "single"
	Multi        Verdict = "multi"
	Undecided    Verdict = "undecided"
	Insufficient Verdict = "insufficient"
)

// Assessment is what a trace says of a service.
type Assessment struct {
	file      string
	sightings int
	leaseSets int // distinct ones
	spanMs    int64
	estimates map[string]analysis.Estimate
	posterior []float64 // of 1, 2, … routers; nil without evidence
	verdict   Verdict
	sentence  string // the verdict for a person
	warnings  []string
	reference *comparison // nil: compared with nothing
}

// Read reads the trace in a file.
func Read(file string) (*trace.Trace, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; name the file of a trace", err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return trace.ReadAll(f, file)
}

// Of estimates what the trace tells that was read from file, without comparing it
// with anything; see [References].
func Of(file string, tr *trace.Trace) (*Assessment, error) {
	a, untrained, err := estimate(file, tr)
	if err != nil {
		return nil, err
	}
	a.conclude(untrained)
	return a, nil
}

// estimate makes everything of an assessment but the verdict.
func estimate(file string, tr *trace.Trace) (*Assessment, *untrained, error) {
	e := attack.Gather(tr, 0)
	a := &Assessment{
		file: file, sightings: e.Sightings, leaseSets: len(e.LeaseSets), spanMs: tr.Span(),
		estimates: map[string]analysis.Estimate{},
	}
	distinct, sets := len(e.Hashes), len(e.LeaseSets)
	for _, x := range []struct {
		name     string
		estimate func() analysis.Estimate
	}{
		// Tunnels as individuals.
		{"chao1", func() analysis.Estimate { return analysis.Chao1(e.Abundance, confidence) }},
		{"ace", func() analysis.Estimate { return analysis.ACE(e.Abundance, confidence) }},
		{"coverage", func() analysis.Estimate { return analysis.Coverage(e.Abundance, confidence) }},
		{"occupancy", func() analysis.Estimate { return analysis.Occupancy(e.Draws(), distinct, confidence, "routers") }},
		// Distinct LeaseSets as samples.
		{"chao2", func() analysis.Estimate { return analysis.Chao2(e.Incidences, sets, confidence) }},
		{"ice", func() analysis.Estimate { return analysis.ICE(e.Incidences, sets, confidence) }},
		{"jackknife1", func() analysis.Estimate { return analysis.Jackknife1(e.Incidences, sets, confidence) }},
		{"jackknife2", func() analysis.Estimate { return analysis.Jackknife2(e.Incidences, sets, confidence) }},
		{"bootstrap", func() analysis.Estimate { return analysis.BootstrapRichness(e.Incidences, sets, confidence) }},
		// Gateways as animals that come and go.
		{"jolly_seber", func() analysis.Estimate { return gatewaysAtATime(e) }},
		{"distinct_ibgw_total", func() analysis.Estimate {
			n := float64(distinct)
			return analysis.Estimate{Center: n, Lo: n, Hi: n, Confidence: 1, N: sets, Unit: "routers"}
		}},
	} {
		e := x.estimate()
		if sets == 0 {
			e.Warnings = nil // one for all of them is enough
		}
		a.add(x.name, e)
	}
	if sets == 0 {
		a.warn("the trace shows no LeaseSet: nothing can be estimated")
	}
	if a.spanMs > judgedMs {
		a.warn("the trace is longer than 6 h: the untrained attacks judge the first 6 h, and the other estimates count peers that came and went")
	}
	u, err := a.judge(tr)
	return a, u, err
}

// add takes an estimate with its warnings in.
func (a *Assessment) add(name string, e analysis.Estimate) {
	if e.Unit == "species" {
		e.Unit = "routers" // here gateways are the species
	}
	a.estimates[name] = e
	for _, w := range e.Warnings {
		a.warn(name + ": " + w)
	}
}

func (a *Assessment) warn(text string) {
	if !slices.Contains(a.warnings, text) {
		a.warnings = append(a.warnings, text)
	}
}

// untrained is what attacks say that have nothing to compare with.
type untrained struct {
	early    *attack.Evidence // what they judged
	evidence int              // attacks that found enough
	strange  bool
	notes    []note
}

// note is what an attack says of its numbers.
type note struct{ attack, text string }

// tell warns of what attacks say of themselves, once of what several say.
func (a *Assessment) tell(notes []note) {
	var texts []string
	who := map[string][]string{}
	for _, n := range notes {
		if len(who[n.text]) == 0 {
			texts = append(texts, n.text)
		}
		if !slices.Contains(who[n.text], n.attack) {
			who[n.text] = append(who[n.text], n.attack)
		}
	}
	for _, text := range texts {
		a.warn("attack." + strings.Join(who[text], ", attack.") + ": " + text)
	}
}

// judge runs all attacks, untrained.
func (a *Assessment) judge(tr *trace.Trace) (*untrained, error) {
	u := &untrained{early: attack.Gather(tr, judgedMs)}
	names := attack.NamesAt(tr.Header.Vantage)
	if slices.ContainsFunc(u.early.Records, func(r trace.Record) bool { return r.Kind == trace.KindMeta }) {
		names = append(names, attack.Meta)
	}
	for _, name := range names {
		atk, err := attack.New(name)
		if err != nil {
			return nil, err
		}
		features := atk.Observe(u.early)
		v := atk.Score(&features)
		score := analysis.Estimate{Center: v.Score, Lo: math.NaN(), Hi: math.NaN(), N: len(features.Evidence.LeaseSets), Unit: scoreUnit}
		if features.Vector == nil {
			score.Center = math.NaN() // the attack calls it 0, which would say "even odds"
		}
		a.estimates["attack."+name+".score"] = score
		a.estimates["attack."+name+".routers"] = v.Routers
		for _, w := range v.Warnings {
			u.notes = append(u.notes, note{name, w})
		}
		if v.Routers.Defined() || features.Vector == nil { // most attacks count no routers, and say so
			for _, w := range v.Routers.Warnings {
				u.notes = append(u.notes, note{name, w})
			}
		}
		switch {
		case v.Posterior != nil:
			u.evidence++
			a.posterior = addTo(a.posterior, v.Posterior)
		case v.Strange:
			u.strange = true
		}
	}
	for i := range a.posterior {
		a.posterior[i] /= float64(u.evidence)
	}
	return u, nil
}

// conclude comes to a verdict without a reference.
func (a *Assessment) conclude(u *untrained) {
	early, attacks, strange := u.early, u.evidence, u.strange
	a.tell(u.notes)
	set := gatewaySet(early)
	switch {
	case len(early.LeaseSets) < minLeaseSets || attacks == 0 && !strange:
		a.verdict = Insufficient
		a.sentence = fmt.Sprintf("too little to judge, %s in the first 6 hours, and at least %d are needed; observe for an hour or more, at least every 10 minutes.",
			count(len(early.LeaseSets), "distinct LeaseSet"), minLeaseSets)
	case strange || set.Lo > maxGateways:
		a.verdict = Undecided
		a.warn("the attacks know Java routers, and one i2pd router looks to them like many")
		a.sentence = fmt.Sprintf("the gateways come from more than the %d that Java routers would draw from, as with i2pd, and say nothing about the number of routers; compare with a trace of one router of the kind you run.",
			maxGateways)
	case a.posterior[0] >= singleFrom:
		a.verdict = Single
		a.sentence = fmt.Sprintf("one router explains what was seen (probability %s); keep observing after every change of the set-up, since this holds for these attacks and this trace only.",
			probability(a.posterior[0]))
	case a.posterior[0] <= multiTo && set.Hi > maxGateways:
		a.verdict = Undecided
		a.warn("the attacks know Java routers, and one i2pd router looks to them like many")
		a.sentence = "the gateways have not repeated often enough to tell several Java routers from one i2pd router; observe longer, up to 6 hours."
	case a.posterior[0] <= multiTo:
		a.verdict = Multi
		a.sentence = fmt.Sprintf("several routers show, about %s (probability of one: %s); whoever polls the netDb can see that; none of the built-in policies hides it.",
			a.routers(), probability(a.posterior[0]))
	default:
		a.verdict = Undecided
		a.sentence = fmt.Sprintf("one router has probability %s; observe longer, up to 6 hours, and at least every 10 minutes.",
			probability(a.posterior[0]))
	}
}

// addTo adds b to a, which may be shorter.
func addTo(a, b []float64) []float64 {
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for i, x := range b {
		a[i] += x
	}
	return a
}

// gatewaySet estimates the size of the set that gateways are drawn from by how
// often one that has left the LeaseSet comes back. A router may repeat the path
// of an old tunnel, so only those count as drawn that the LeaseSet before did not
// name.
func gatewaySet(e *attack.Evidence) analysis.Estimate {
	draws := 0
	var last map[int32]bool
	for i := range e.LeaseSets {
		now := map[int32]bool{}
		for _, g := range e.LeaseSets[i].Gateways {
			if last == nil || !last[g] && !now[g] {
				draws++
			}
			now[g] = true
		}
		last = now
	}
	return analysis.Occupancy(draws, len(e.Hashes), confidence, "routers")
}

// routers says how many routers the posterior speaks for.
func (a *Assessment) routers() string {
	quantile := func(q float64) int {
		sum := 0.0
		for i, p := range a.posterior {
			if sum += p; sum >= q {
				return i + 1
			}
		}
		return len(a.posterior)
	}
	return fmt.Sprintf("%d, %d to %d by the attacks' model", quantile(0.5), quantile((1-confidence)/2), quantile((1+confidence)/2))
}

// probability writes a probability for a sentence.
func probability(p float64) string {
	switch {
	case p < 0.001:
		return "below 0.001"
	case p > 0.999:
		return "above 0.999"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

// WriteTables writes tables for people.
func WriteTables(out *bytes.Buffer, all []*Assessment) error {
	for i, a := range all {
		if i > 0 {
			out.WriteByte('\n')
		}
		fmt.Fprintf(out, "%s: %s, %s, %.3g h\n", a.file, count(a.sightings, "sighting"), count(a.leaseSets, "distinct LeaseSet"), a.spanHours())
		cell := &result.Cell{Arm: result.Measured}
		for name, e := range a.estimates {
			m := metric(e)
			if strings.HasSuffix(name, ".routers") && math.IsNaN(m.Center) {
				continue // most attacks count no routers
			}
			if m.Unit == scoreUnit && m.Defined() {
				m = result.Exact(m.Center, m.N, m.Unit) // no interval is nothing to warn of
			}
			cell.Set(name, m)
		}
		if err := reports.WriteColumns(out, []reports.Column{{Label: "estimate", Cell: cell}}, reports.TableOptions{AllAttacks: true}); err != nil {
			return err
		}
		for _, w := range a.warnings {
			fmt.Fprintf(out, "warning: %s\n", w)
		}
		fmt.Fprintf(out, "verdict: %s: %s\n", a.verdict, a.sentence)
	}
	if len(all) > 1 {
		out.WriteByte('\n')
		return writeOverview(out, all)
	}
	return nil
}

func (a *Assessment) spanHours() float64 { return float64(a.spanMs) / 3.6e6 }

// metric is an estimate as results carry it.
func metric(e analysis.Estimate) result.Metric {
	unit := e.Unit
	if unit == "" {
		unit = "1"
	}
	m := result.Metric{Center: e.Center, Lo: e.Lo, Hi: e.Hi, Confidence: e.Confidence, N: e.N, Unit: unit}
	if math.IsNaN(e.Lo) && math.IsNaN(e.Hi) {
		m.Confidence = 0 // no interval, no level
	}
	return m
}

// The JSON form. Numbers that are not defined are null.
type (
	analysisJSON struct {
		Format  string      `json:"format"`
		Version int         `json:"version"`
		Traces  []traceJSON `json:"traces"`
	}
	traceJSON struct {
		File      string                  `json:"file"`
		Sightings int                     `json:"sightings"`
		SpanHours float64                 `json:"span_h"`
		Estimates map[string]estimateJSON `json:"estimates"`
		Posterior map[string]float64      `json:"posterior"`
		Verdict   Verdict                 `json:"verdict"`
		Warnings  []string                `json:"warnings"`
		Reference *referenceJSON          `json:"reference"`
	}
	referenceJSON struct {
		Kind          string             `json:"kind"`
		Kinds         map[string]float64 `json:"kinds"`
		Leases        int                `json:"leases"`
		ObservedHours float64            `json:"observed_h"`
		PollSeconds   float64            `json:"poll_s"`
		Single        int                `json:"single"`
		Several       int                `json:"several"`
		Prior         map[string]float64 `json:"prior"`
		Higher        estimateJSON       `json:"higher"`
		Lower         estimateJSON       `json:"lower"`
		Distance      *float64           `json:"distance"`
		DistanceLimit *float64           `json:"distance_limit"`
		Strange       bool               `json:"strange"`
		SingleTold    estimateJSON       `json:"single_told"`
		SeveralTold   estimateJSON       `json:"several_told"`
	}
	estimateJSON struct {
		Center     *float64 `json:"center"`
		Lo         *float64 `json:"lo"`
		Hi         *float64 `json:"hi"`
		Confidence float64  `json:"confidence"`
		N          int      `json:"n"`
		Unit       string   `json:"unit"`
	}
)

// Format and version of the JSON form.
const (
	analysisFormat  = "multihome-analysis"
	analysisVersion = 1
)

// WriteJSON writes the JSON form.
func WriteJSON(out *bytes.Buffer, all []*Assessment) error {
	form := analysisJSON{Format: analysisFormat, Version: analysisVersion}
	for _, a := range all {
		// A name that is not UTF-8 cannot stand in JSON as it is.
		t := traceJSON{
			File: strings.ToValidUTF8(a.file, "\uFFFD"), Sightings: a.sightings, SpanHours: a.spanHours(),
			Estimates: map[string]estimateJSON{}, Posterior: map[string]float64{},
			Verdict: a.verdict, Warnings: append([]string{}, a.warnings...),
		}
		for name, e := range a.estimates {
			t.Estimates[name] = estimateOf(e)
		}
		if x := a.reference; x != nil {
			t.Reference = x.json()
		}
		for i, p := range a.posterior {
			t.Posterior[strconv.Itoa(i+1)] = p
		}
		form.Traces = append(form.Traces, t)
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(form)
}

func (x *comparison) json() *referenceJSON {
	single, several := x.judge.sizes()
	r := &referenceJSON{
		Kind: x.judge.kind, Kinds: map[string]float64{},
		Leases: x.leases, ObservedHours: x.observed.Hours(), PollSeconds: x.every.Seconds(),
		Single: single, Several: several, Prior: map[string]float64{},
		Higher: estimateOf(x.higher), Lower: estimateOf(x.lower), Distance: number(x.distance), DistanceLimit: number(x.limit), Strange: x.strange,
		SingleTold: estimateOf(x.judge.singleTold), SeveralTold: estimateOf(x.judge.severalTold),
	}
	for i, p := range x.kinds {
		r.Kinds[kinds[i]] = p
	}
	for i, p := range x.prior {
		if p > 0 {
			r.Prior[strconv.Itoa(i+1)] = p
		}
	}
	return r
}

func estimateOf(e analysis.Estimate) estimateJSON {
	m := metric(e)
	return estimateJSON{number(m.Center), number(m.Lo), number(m.Hi), m.Confidence, m.N, m.Unit}
}

func number(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
