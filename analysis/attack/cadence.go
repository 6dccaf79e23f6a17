package attack

import (
	"math"
	"slices"
)

// cadence looks at when versions are made, and how old what they bring is. A Java
// router asks for a LeaseSet as soon as a tunnel is built, dates it then, publishes
// it 3 s later and at most once a minute; i2pd publishes at once and at most every
// 20 s (Java I2P 2.8.0, RequestLeaseSetJob, RepublishLeaseSetJob; i2pd 2.58.0,
// LeaseSetDestination::Publish). A balancer adds the way to its routers, collects
// what several of them build before it dates a version, or makes one at fixed
// times. Tunnels end 600 s after they were asked for, so that a lease tells its age.
//
// It assumes that clocks are right to a part of a second, and measures
//
//   - the spacing of versions: mean, variation, deciles, correlation of successive
//     ones;
//   - new leases a version: mean, index of dispersion, correlation with the version
//     before, share of versions with several and with none;
//   - the age of the newest lease when its version was dated: mean without the
//     tenths at both ends, deviation, shares from 0 to 1, 2 and more than 6 s;
//   - the age of each lease when the first version with it was dated: mean and
//     deviation;
//   - how long after its date a version is first seen;
//   - the variation of the time between successive leases, and how many follow
//     another one within 3 s.
//
// O(n log n) for n leases.
var cadence = signal{
	name:     "cadence",
	vantages: anySighting,
	numbers: []string{
		"spacing_s", "spacing_cv", "spacing_p10_s", "spacing_p90_s", "spacing_corr",
		"came", "came_dispersion", "came_corr", "came_several", "came_none",
		"newest_s", "newest_sd_s", "newest_1s", "newest_2s", "newest_late",
		"fresh_s", "fresh_sd_s", "seen_s", "starts_cv", "starts_close",
	},
	measure: cadenceNumbers,
}

// leaseLifeMs is the time from a tunnel's request to its end, of both routers.
const leaseLifeMs = 600 * 1000

func cadenceNumbers(e *Evidence) []float64 {
	changes := changesOf(e)
	if len(changes) < minChanges {
		return nil
	}
	n := len(changes)
	spacing, newest, came := make([]float64, n), make([]float64, n), make([]float64, n)
	var fresh, gaps []float64
	var starts []int64
	var several, none, seen float64
	for i := range changes {
		c := &changes[i]
		ls := &e.LeaseSets[c.set]
		spacing[i] = seconds(c.spanMs)
		seen += math.Log1p(math.Max(0, seconds(ls.FirstMs-c.atMs)))
		newest[i] = seconds(c.atMs - slices.Max(ls.Ends) + leaseLifeMs)
		for _, j := range c.came {
			if e.Tunnels[ls.Tunnels[j]].First != c.set {
				continue // it has been listed before
			}
			came[i]++
			fresh = append(fresh, seconds(c.atMs-ls.Ends[j]+leaseLifeMs))
			starts = append(starts, ls.Ends[j])
		}
		switch {
		case came[i] > 1:
			several++
		case came[i] == 0:
			none++
		}
	}
	m := float64(n)
	spacingMean, spacingSD := meanDeviation(spacing)
	spacingCorr, cameCorr := correlation(spacing), correlation(came)
	cameMean, cameSD := meanDeviation(came)
	freshMean, freshSD := meanDeviation(fresh)
	_, newestSD := meanDeviation(newest)
	slices.Sort(spacing)
	slices.Sort(newest)
	slices.Sort(starts)
	newestMean, _ := meanDeviation(newest[n/10 : n-n/10])
	var oneSecond, twoSeconds, late float64
	for _, s := range newest {
		switch { // dates and ends are whole seconds
		case s < 1.5:
			oneSecond++
		case s < 2.5:
			twoSeconds++
		case s > 6.5:
			late++
		}
	}
	close := 0.0
	for i := 1; i < len(starts); i++ {
		s := seconds(starts[i] - starts[i-1])
		gaps = append(gaps, s)
		if s <= 3 {
			close++
		}
	}
	gapMean, gapSD := meanDeviation(gaps)
	// Times may be of any size, negative with a clock that is wrong: the inverse
	// hyperbolic sine is a logarithm for all of them.
	return []float64{
		math.Asinh(spacingMean), ratio(spacingSD, spacingMean), math.Asinh(spacing[n/10]), math.Asinh(spacing[n-1-n/10]), spacingCorr,
		cameMean, ratio(cameSD*cameSD, cameMean), cameCorr, several / m, none / m,
		math.Asinh(newestMean), math.Asinh(newestSD), oneSecond / m, twoSeconds / m, late / m,
		math.Asinh(freshMean), math.Asinh(freshSD), seen / m, ratio(gapSD, gapMean), ratio(close, float64(len(gaps))),
	}
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }

// ratio is a/b, 0 where b is not positive.
func ratio(a, b float64) float64 {
	if b > 0 {
		return a / b
	}
	return 0
}

// meanDeviation returns 0 for no values.
func meanDeviation(v []float64) (mean, sd float64) {
	if len(v) == 0 {
		return 0, 0
	}
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		sd += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(sd / float64(len(v)))
}

// correlation is that of successive values.
func correlation(v []float64) float64 {
	mean, sd := meanDeviation(v)
	sum := 0.0
	for i := 1; i < len(v); i++ {
		sum += (v[i] - mean) * (v[i-1] - mean)
	}
	return ratio(sum, float64(len(v))*sd*sd)
}
