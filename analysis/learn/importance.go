package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"multihome.i2p/analysis"
)

// A Scorer is what gives rows scores that are larger for label true: [Logistic],
// [KNN], [Stack], [Posterior].
type Scorer interface {
	Score(row []float64) float64
}

// A FeatureGroup names features that are judged together, such as all that come
// from the same field of a LeaseSet.
type FeatureGroup struct {
	Name    string
	Columns []int // indices into a row
}

// ImportanceOptions are the options of [PermutationImportance].
type ImportanceOptions struct {
	Permutations int     // of each group; 0 means 10
	Resamples    int     // of the bootstrap; 0 means 400
	Confidence   float64 // of the intervals; 0 means 0.95
	// Blocks, one number for each row, keeps the rows of a block together in the
	// bootstrap, such as rows cut from the same trial; nil if all are independent.
	Blocks []int
}

// An Importance says how much the scorer owes to a group of features.
type Importance struct {
	Group string
	// Drop is the AUC that is lost when the group's values are shuffled among the
	// rows. It is near 0 for what the scorer does not use, and also for what it
	// uses but could take from another group as well: judge groups that say the
	// same as one.
	Drop analysis.Estimate
}

// PermutationImportance measures on held-out rows which features a score lives
// on. The features of a group are shuffled among all rows together, so that they
// keep what they say about each other and lose what they say about the label; the
// drop of the AUC is the mean over some shuffles. The interval is the percentile
// bootstrap's over rows, resampled within each class (or by blocks), with the
// scores before and after the shuffle resampled together. It is for the scorer as
// it is: it does not tell what another one, trained on other rows, would use.
//
// It returns an element for each group, in their order. It fails if a class has
// no rows, or a group names features that there are not.
//
// Breiman (2001), Random forests, Machine Learning 45:5, section 10; Fisher,
// Rudin, Dominici (2019), All models are wrong, but many are useful, JMLR 20:177.
func PermutationImportance(s Scorer, rows [][]float64, labels []bool, groups []FeatureGroup, opt ImportanceOptions, rng *rand.Rand) ([]Importance, error) {
	d, err := checkRows(rows, len(labels))
	if err != nil {
		return nil, err
	}
	if s == nil || rng == nil {
		return nil, failed("no scorer, or no random numbers")
	}
	if opt.Permutations <= 0 {
		opt.Permutations = 10
	}
	if opt.Resamples <= 0 {
		opt.Resamples = 400
	}
	if opt.Confidence == 0 {
		opt.Confidence = 0.95
	}
	if !(opt.Confidence > 0 && opt.Confidence < 1) {
		return nil, failed("confidence %g", opt.Confidence)
	}
	if opt.Blocks != nil && len(opt.Blocks) != len(rows) {
		return nil, failed("%d block numbers for %d rows", len(opt.Blocks), len(rows))
	}
	for _, g := range groups {
		for _, c := range g.Columns {
			if c < 0 || c >= d {
				return nil, failed("group %q names feature %d of %d", g.Name, c, d)
			}
		}
	}
	class := make([]int, len(rows))
	var count [2]int
	for i, l := range labels {
		if l {
			class[i] = 1
		}
		count[class[i]]++
	}
	if min(count[0], count[1]) == 0 {
		return nil, failed("rows of one class only")
	}

	base := make([]float64, len(rows))
	for i, row := range rows {
		base[i] = finite(s.Score(row))
	}
	baseRanked := rank(base)
	resamples := drawResamples(class, opt, rng)
	all := everyone(len(rows))
	found := make([]Importance, len(groups))
	row := make([]float64, d)
	for g, group := range groups {
		shuffled := make([]*ranked, opt.Permutations)
		for p := range shuffled {
			scores := make([]float64, len(rows))
			for i, from := range rng.Perm(len(rows)) {
				copy(row, rows[i])
				for _, c := range group.Columns {
					row[c] = rows[from][c]
				}
				scores[i] = finite(s.Score(row))
			}
			shuffled[p] = rank(scores)
		}
		drop := func(times []uint16) float64 {
			before, sum := baseRanked.auc(class, times), 0.0
			for _, r := range shuffled {
				sum += before - r.auc(class, times)
			}
			return sum / float64(len(shuffled))
		}
		e := analysis.Estimate{Center: drop(all), Confidence: opt.Confidence, N: len(rows)}
		values := make([]float64, 0, len(resamples))
		for _, times := range resamples {
			if v := drop(times); !math.IsNaN(v) {
				values = append(values, v)
			}
		}
		sort.Float64s(values)
		if len(values) == 0 {
			e.Lo, e.Hi = math.NaN(), math.NaN()
			e.Warnings = append(e.Warnings, "no resample has rows of both classes: no interval")
		} else {
			e.Lo = math.Min(sortedQuantile(values, (1-opt.Confidence)/2), e.Center)
			e.Hi = math.Max(sortedQuantile(values, (1+opt.Confidence)/2), e.Center)
		}
		if few := min(count[0], count[1]); few < 10 {
			e.Warnings = append(e.Warnings, fmt.Sprintf("%d rows in the smaller class: the interval is too narrow; 10 or more are needed", few))
		}
		if e.Lo == e.Hi && len(group.Columns) > 0 && e.Center != 0 {
			e.Warnings = append(e.Warnings, "all resamples agree: the interval has no width")
		}
		found[g] = Importance{Group: group.Name, Drop: e}
	}
	return found, nil
}

// drawResamples returns how often each resample holds each row.
func drawResamples(class []int, opt ImportanceOptions, rng *rand.Rand) [][]uint16 {
	var strata [][][]int // of blocks of rows
	if opt.Blocks == nil {
		strata = make([][][]int, 2)
		for i, c := range class {
			strata[c] = append(strata[c], []int{i})
		}
	} else {
		number := make(map[int]int)
		var blocks [][]int
		for i, b := range opt.Blocks {
			at, ok := number[b]
			if !ok {
				at = len(blocks)
				number[b] = at
				blocks = append(blocks, nil)
			}
			blocks[at] = append(blocks[at], i)
		}
		strata = [][][]int{blocks}
	}
	resamples := make([][]uint16, opt.Resamples)
	for b := range resamples {
		times := make([]uint16, len(class))
		for _, blocks := range strata {
			for range blocks {
				for _, i := range blocks[rng.IntN(len(blocks))] {
					times[i]++
				}
			}
		}
		resamples[b] = times
	}
	return resamples
}

func everyone(n int) []uint16 {
	times := make([]uint16, n)
	for i := range times {
		times[i] = 1
	}
	return times
}

// ranked is rows in the order of their scores, so that a resample's AUC needs no
// sorting.
type ranked struct {
	order []int
	tied  []bool // with the one before
}

func rank(scores []float64) *ranked {
	r := &ranked{order: everyRow(len(scores)), tied: make([]bool, len(scores))}
	sort.SliceStable(r.order, func(a, b int) bool { return scores[r.order[a]] < scores[r.order[b]] })
	for i := 1; i < len(scores); i++ {
		r.tied[i] = scores[r.order[i]] == scores[r.order[i-1]]
	}
	return r
}

// auc returns the AUC when row i counts times[i] times, NaN if a class is empty.
func (r *ranked) auc(class []int, times []uint16) float64 {
	var total, tie [2]float64
	below, pairs := 0.0, 0.0
	for i, at := range r.order {
		if !r.tied[i] {
			pairs += tie[1] * (below + tie[0]/2)
			below += tie[0]
			tie = [2]float64{}
		}
		tie[class[at]] += float64(times[at])
		total[class[at]] += float64(times[at])
	}
	pairs += tie[1] * (below + tie[0]/2)
	return pairs / (total[0] * total[1])
}

// A SingleFeature says how well one feature alone tells the labels apart.
type SingleFeature struct {
	Feature int
	// Value is the AUC of the feature's values where it has one: below ½ if small
	// values mark label true.
	Value analysis.Estimate
	// Missing is the AUC of the fact that the feature is missing.
	Missing analysis.Estimate
}

// Strength returns how far the better of both AUCs is from ½, 0 where neither is
// defined.
func (f SingleFeature) Strength() float64 {
	strength := 0.0
	for _, e := range []analysis.Estimate{f.Value, f.Missing} {
		if e.Defined() {
			strength = math.Max(strength, math.Abs(e.Center-0.5))
		}
	}
	return strength
}

// SingleFeatures returns the AUC of each feature, with DeLong's intervals. They
// are intervals for one feature each: the strongest of a hundred looks stronger
// than it is.
func SingleFeatures(rows [][]float64, labels []bool, confidence float64) ([]SingleFeature, error) {
	d, err := checkRows(rows, len(labels))
	if err != nil {
		return nil, err
	}
	if !(confidence > 0 && confidence < 1) {
		return nil, failed("confidence %g", confidence)
	}
	found := make([]SingleFeature, d)
	for j := range found {
		var value, missing [2][]float64
		for i, row := range rows {
			c := 0
			if labels[i] {
				c = 1
			}
			gap := 0.0
			if math.IsNaN(row[j]) {
				gap = 1
			} else {
				value[c] = append(value[c], row[j])
			}
			missing[c] = append(missing[c], gap)
		}
		f := SingleFeature{
			Feature: j,
			Value:   analysis.AUC(value[0], value[1], confidence),
			Missing: analysis.AUC(missing[0], missing[1], confidence),
		}
		if gaps := len(rows) - len(value[0]) - len(value[1]); gaps > 0 {
			f.Value.Warnings = append(f.Value.Warnings, fmt.Sprintf("the feature is missing in %d of %d rows", gaps, len(rows)))
		}
		found[j] = f
	}
	return found, nil
}

// Strongest returns features in descending order of strength.
func Strongest(features []SingleFeature) []SingleFeature {
	sorted := slices.Clone(features)
	sort.SliceStable(sorted, func(a, b int) bool { return sorted[a].Strength() > sorted[b].Strength() })
	return sorted
}

// finite replaces a score that is no number, which only a foreign scorer gives.
func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}

// sortedQuantile returns a quantile of sorted values by linear interpolation,
// type 7 of Hyndman and Fan.
func sortedQuantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	part := at - float64(i)
	return sorted[i]*(1-part) + sorted[i+1]*part
}
