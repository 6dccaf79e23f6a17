package attack

import (
	"multihome.i2p/analysis"
	"multihome.i2p/analysis/trace"
)

// Meta is the name of the attack that counts the entries of a Meta LeaseSet
// (Proposal 123). NamesAt leaves it out, since there is nothing to count in any other
// scheme.
const Meta = "meta"

// typeMeta is the type of an entry that names a further Meta LeaseSet.
const typeMeta = 7

// meta needs no statistics: who publishes a Meta LeaseSet says how many
// sub-Destinations are up, and each is on one router at least. It counts the most that
// were listed at once; where one entry is one router, that is their number, and what
// comes and goes is a router that does.
type meta struct{}

// Name implements Attack.
func (meta) Name() string { return Meta }

// Vantages implements Attack. A client of the service looks it up as others do.
func (meta) Vantages() []trace.Vantage { return anySighting }

// Numbers implements Attack.
func (meta) Numbers() []string { return []string{"entries", "changes"} }

// Observe implements Attack.
func (m meta) Observe(e *Evidence) Features {
	return Features{Vector: e.once(Meta, metaNumbers), Evidence: e}
}

// Fit implements Attack: there is nothing to learn.
func (meta) Fit([]Sample) error { return nil }

// Score implements Attack.
func (meta) Score(f *Features) Verdict {
	n := 0
	if f.Evidence != nil {
		n = f.Evidence.Sightings
	}
	if f.Vector == nil {
		return noEvidence(n, "no Meta LeaseSet was seen")
	}
	entries := f.Vector[0]
	v := Verdict{Score: entries, Posterior: make([]float64, MaxRouters)}
	v.Posterior[min(max(int(entries), 1), MaxRouters)-1] = 1
	v.Routers = analysis.Estimate{
		Center: entries, Lo: entries, Hi: entries, Confidence: confidence, N: n, Unit: unitRouters,
		Warnings: []string{"a sub-Destination may be on several routers: there are at least as many as entries"},
	}
	return v
}

// metaNumbers are the most sub-Destinations listed at once, and how often one came or
// went.
func metaNumbers(e *Evidence) []float64 {
	listed := make(map[trace.Hash]map[trace.Hash]bool) // by Meta LeaseSet, the zero hash being the service's own
	version := make(map[trace.Hash]int64)
	most, changes := 0, 0
	for i := range e.Records {
		r := &e.Records[i]
		if r.Kind != trace.KindMeta {
			continue
		}
		if last, seen := version[r.Sub]; seen && r.Published <= last {
			continue
		}
		version[r.Sub] = r.Published
		now := make(map[trace.Hash]bool)
		for k := range r.Entries {
			if r.Entries[k].Type != typeMeta {
				now[r.Entries[k].Hash] = true
			}
		}
		if before, seen := listed[r.Sub]; seen {
			changes += missing(before, now) + missing(now, before)
		}
		listed[r.Sub] = now
		sum := 0
		for _, l := range listed {
			sum += len(l)
		}
		most = max(most, sum)
	}
	if len(version) == 0 {
		return nil
	}
	return []float64{float64(most), float64(changes)}
}

// missing counts what is in a and not in b.
func missing(a, b map[trace.Hash]bool) int {
	n := 0
	for h := range a {
		if !b[h] {
			n++
		}
	}
	return n
}
