package attack

import (
	"math"
	"slices"
)

// skew looks for several clocks. A lease ends 600 s after its tunnel was ordered, by
// its router's clock; `published` is when the LeaseSet was made, by its maker's. The
// difference (published − (end − 600 s)) of the tunnel that made a LeaseSet necessary
// is the time that building took, plus what the clocks differ by: a few seconds, of
// one law for one router, and of as many laws as there are clocks for several.
//
// Only the newest lease of each LeaseSet counts, where it was not in the one before:
// others came while a publish was waiting. Differences go into groups, by gateway and
// by lineage (tunnels that handed their gateway on), since routers have gateways of
// their own; where all draw from the same ones, lineages remain. How far groups lie
// apart is an analysis of variance, and their means a mixture of one to three normal
// laws whose number BIC chooses (Fraley, Raftery (2002), JASA 97:611).
//
// It assumes that building takes as long through one gateway as through the other,
// and that clocks stand still. A router that keeps its own clock to the maker's is not
// seen, nor is a skew that all share, but for what it adds to every difference.
//
// The smallest skew that is told from one clock, with an AUC whose 95 % interval lies
// above 0.8, in a world made by hand of two routers, a LeaseSet a minute, a building
// time of 1.5 s in the median with a sigma of 0.5, after 50 training trials of either
// kind (TestSmallestSkew):
//
//	0.2 s after 6 h, 0.15 s after 24 h
//
// So fine it is for who knows the law of building from training, since a skew moves
// the mean difference. Of simulated routers gateways_apart alone, which needs to know
// nothing, told 0.3 s after a day.
var skew = signal{
	name:     "skew",
	vantages: anySighting,
	numbers: []string{
		"offset_s", "offset_low_s", "offset_spread_s", "offset_tail", "gateways_apart", "lineages_apart", "heir_alike",
		"clocks", "clocks_gain", "clocks_distance_s",
	},
	measure: skewNumbers,
	natural: func(v []float64) float64 { return v[4] + v[5] },
}

const (
	// Offsets beyond are no building time, by any clock that a router is allowed: they
	// are of tunnels that came back, or waited.
	offsetMinS = -120
	offsetMaxS = 30
)

func skewNumbers(e *Evidence) []float64 {
	if len(e.LeaseSets) < 3 {
		return nil
	}
	s := succeed(e)
	offset := make([]float64, len(e.Tunnels))
	var list []int32
	for k, i := range s.sets {
		ls := &e.LeaseSets[i]
		newest := 0
		for j := range ls.Ends {
			if ls.Ends[j] > ls.Ends[newest] {
				newest = j
			}
		}
		t := ls.Tunnels[newest]
		if k == 0 || s.first[t] != int32(k) {
			continue
		}
		x := float64(s.versions[k]-(ls.Ends[newest]-lifetimeMs)) / 1000
		if x >= offsetMinS && x <= offsetMaxS {
			offset[t] = x
			list = append(list, t)
		}
	}
	if len(list) < minSuccessions {
		return nil
	}
	values := make([]float64, len(list))
	for i, t := range list {
		values[i] = offset[t]
	}
	slices.Sort(values)
	at := func(q float64) float64 { return values[int(q*float64(len(values)-1))] }
	// Tunnels that were long in building are few and far out: they are moved in.
	middle, far := at(0.5), max(1, 2.5*(at(0.9)-at(0.5)))
	var mean, square, cube moment
	for _, t := range list {
		offset[t] = min(max(offset[t], middle-far), middle+far)
		mean.add(1, offset[t])
	}
	center := mean.mean(0)
	for _, t := range list {
		d := offset[t] - center
		square.add(1, d*d)
		cube.add(1, d*d*d)
	}
	sd := math.Sqrt(square.mean(0))
	var gateways, lineages grouped
	gateways.reset(len(e.Hashes))
	lineages.reset(len(e.Tunnels))
	strand := make([]int32, len(e.Tunnels)) // the first tunnel of each one's lineage
	for _, t := range s.byEnd {
		strand[t] = t
		if p := s.parent[t]; p >= 0 {
			strand[t] = strand[p]
		}
	}
	timed := make([]bool, len(e.Tunnels))
	for _, t := range list {
		gateways.add(e.Tunnels[t].Gateway, offset[t])
		lineages.add(strand[t], offset[t])
		timed[t] = true
	}
	var alike moment
	for _, t := range list {
		for p := s.parent[t]; p >= 0; p = s.parent[p] {
			if timed[p] { // the next one back that was timed
				alike.add(1, (offset[t]-center)*(offset[p]-center))
				break
			}
		}
	}
	heirs, tail := 0.0, 0.0
	if sd > 0 {
		heirs, tail = alike.mean(0)/(sd*sd), cube.mean(0)/(sd*sd*sd)
	}
	clocks, gain, distance := gateways.clocks()
	return []float64{
		center, (at(0.02) + at(0.05) + at(0.1)) / 3, math.Log(sd + 0.1), tail,
		gateways.apart(), lineages.apart(), heirs, clocks, gain, distance,
	}
}

// grouped sums numbers by group.
type grouped struct {
	n, sum, squares []float64
}

func (g *grouped) reset(groups int) {
	x := make([]float64, 3*groups)
	g.n, g.sum, g.squares = x[:groups:groups], x[groups:2*groups:2*groups], x[2*groups:]
}

func (g *grouped) add(group int32, x float64) {
	g.n[group]++
	g.sum[group] += x
	g.squares[group] += x * x
}

// variance returns the number of groups and members, in groups of two or more, and
// the sums of squares between and within them.
func (g *grouped) variance() (groups, members, between, within float64) {
	var sum float64
	for i, n := range g.n {
		if n > 1 {
			groups++
			members += n
			sum += g.sum[i]
			between += g.sum[i] * g.sum[i] / n
			within += g.squares[i] - g.sum[i]*g.sum[i]/n
		}
	}
	if members > 0 {
		between -= sum * sum / members
	}
	return groups, members, max(between, 0), max(within, 0)
}

// apart tells how many standard deviations F lies above its mean if all groups have
// one law, in the analysis of variance between groups of two or more. Far out it is
// the logarithm, since there is nothing more to learn there.
func (g *grouped) apart() float64 {
	groups, members, between, within := g.variance()
	a, b := groups-1, members-groups
	if a < 1 || b < 5 || !(within > 1e-9) {
		return 0
	}
	f := between / a / (within / b)
	sd := math.Sqrt(2 * b * b * (a + b - 2) / (a * (b - 2) * (b - 2) * (b - 4)))
	z := (f - b/(b-2)) / sd
	if z > 3 {
		z = 3 + math.Log(z-2)
	}
	return z
}

// mostClocks is the largest number of components that are tried.
const mostClocks = 3

// clocks fits the means of groups by mixtures of one to mostClocks normal laws, of
// which each has one mean and, for a group of n, the variance within groups over n.
// It returns the number that BIC chooses, by how much per group two are better than
// one, and how far two lie apart.
func (g *grouped) clocks() (number, gain, distance float64) {
	groups, members, _, within := g.variance()
	if groups < 3 || !(within > 1e-9) {
		return 1, 0, 0
	}
	variance := within / max(members-groups, 1)
	var means, weights []float64
	for i, n := range g.n {
		if n > 1 {
			means = append(means, g.sum[i]/n)
			weights = append(weights, n/variance)
		}
	}
	sorted := slices.Clone(means)
	slices.Sort(sorted)
	best := math.Inf(1)
	var one float64
	for k := 1; k <= mostClocks && k < len(means); k++ {
		var centers [mostClocks]float64
		for c := range k {
			centers[c] = sorted[(2*c+1)*len(sorted)/(2*k)]
		}
		logL := fitClocks(means, weights, centers[:k])
		if k == 1 {
			one = logL
		}
		if k == 2 {
			gain, distance = (logL-one)/math.Sqrt(groups), math.Abs(centers[1]-centers[0])
		}
		if bic := float64(2*k-1)*math.Log(groups) - 2*logL; bic < best {
			best, number = bic, float64(k)
		}
	}
	if gain = max(gain, 0); gain > 3 {
		gain = 3 + math.Log(gain-2)
	}
	return number, gain, distance
}

// fitClocks runs EM from the centers given and returns the log likelihood but for a
// constant. weights are one over the variance of each mean.
func fitClocks(means, weights, centers []float64) (logL float64) {
	const rounds = 12
	k := len(centers)
	var share, mass, sum, pull [mostClocks]float64
	for c := range k {
		share[c] = 1 / float64(k)
	}
	for round := 0; ; round++ {
		mass, sum, pull = [mostClocks]float64{}, [mostClocks]float64{}, [mostClocks]float64{}
		logL = 0
		for i, x := range means {
			var p [mostClocks]float64
			top := math.Inf(-1)
			for c := range k {
				d := x - centers[c]
				p[c] = -weights[i] * d * d / 2
				top = max(top, p[c])
			}
			total := 0.0
			for c := range k {
				p[c] = share[c] * math.Exp(p[c]-top)
				total += p[c]
			}
			logL += top + math.Log(total+1e-300)
			for c := range k {
				q := p[c] / (total + 1e-300)
				mass[c] += q
				pull[c] += q * weights[i]
				sum[c] += q * weights[i] * x
			}
		}
		if round == rounds || k == 1 && round == 1 {
			return logL
		}
		for c := range k {
			share[c] = max(mass[c]/float64(len(means)), 1e-6)
			if pull[c] > 0 {
				centers[c] = sum[c] / pull[c]
			}
		}
	}
}
