package sim

import "math"

// census is which routers are up, as anyone can see who looks for their RouterInfos
// and connects to them: the service's, and others that come and go. All observers
// see the same.
type census struct {
	begun bool
	up    []bool // of the other routers
}

func (w *World) resetCensus() {
	c := &w.watch.census
	n := 0
	for i := range w.cfg.Adversaries {
		n = max(n, w.cfg.Adversaries[i].Routers)
	}
	c.begun = false
	c.up = resized(c.up, n)
	if n > 0 {
		w.push(w.observed, evCensus, none, 0)
	}
}

// censusBegins records which routers are up, and lets the others come and go from
// now on.
func (w *World) censusBegins() {
	c := &w.watch.census
	c.begun = true
	for i := range w.routers {
		w.seenRouter(int32(i), w.routers[i].up)
	}
	n := &w.cfg.Network
	mean := func(median Time) float64 { return float64(median) * math.Exp(censusSigma*censusSigma/2) }
	share := mean(n.RouterSession) / (mean(n.RouterSession) + mean(n.RouterAway))
	rng := w.streams.rand[streamCensus]
	for k := range c.up {
		c.up[k] = chance(rng, share)
		w.seenOther(int32(k))
		// What is left of a span that has begun long ago: of the spans that hold
		// a given instant the length is log-normal too, with a median longer by
		// the square of sigma, and the instant is anywhere in it.
		span := lognormal(rng, w.censusMedian(c.up[k]), censusSigma)
		w.push(w.now+Time(rng.Float64()*math.Exp(censusSigma*censusSigma)*float64(span)), evCensus, int32(k), 0)
	}
}

// censusSigma is the standard deviation of the natural logarithm of how long a
// router stays, and stays away. Assumption: as of the peers in emergent tiers.
const censusSigma = 1.0

func (w *World) censusMedian(up bool) Time {
	if up {
		return w.cfg.Network.RouterSession
	}
	return w.cfg.Network.RouterAway
}

// censusChanges lets router k of the others come or go.
func (w *World) censusChanges(k int32) {
	if k == none {
		w.censusBegins()
		return
	}
	c := &w.watch.census
	c.up[k] = !c.up[k]
	w.seenOther(k)
	rng := w.streams.rand[streamCensus]
	w.push(w.now+max(Second, lognormal(rng, w.censusMedian(c.up[k]), censusSigma)), evCensus, k, 0)
}

// seenOther records the state of router k of the others.
func (w *World) seenOther(k int32) {
	hash := hashBytes(w.pop.HashWords(int32(w.pop.Len()+len(w.routers)) + k))
	for i := range w.watchers {
		if int(k) < w.watchers[i].cfg.Routers {
			w.out.Traces[i].AppendRouter(w.seenMs(), hash, w.watch.census.up[k])
		}
	}
}

// seenRouter records that one of the operator's routers comes or goes.
func (w *World) seenRouter(k int32, up bool) {
	if !w.watch.census.begun {
		return
	}
	hash := w.serviceHash(k)
	for i := range w.watchers {
		if w.watchers[i].cfg.Routers > 0 {
			w.out.Traces[i].AppendRouter(w.seenMs(), hash, up)
		}
	}
}
