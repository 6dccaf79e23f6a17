package learn

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// A design is standardised rows column by column, which is how sums over rows
// are fast.
type design struct {
	n    int
	cols [][]float64
}

func newDesign(rows [][]float64, index []int) *design {
	d := &design{n: len(index), cols: make([][]float64, len(rows[0]))}
	flat := make([]float64, len(index)*len(d.cols))
	for j := range d.cols {
		d.cols[j] = flat[j*d.n : (j+1)*d.n]
		for i, at := range index {
			d.cols[j][i] = rows[at][j]
		}
	}
	return d
}

// dim is the number of weights: an intercept, then one for each column.
func (d *design) dim() int { return 1 + len(d.cols) }

// chunk is the number of rows worked on at once: so few that a hundred columns
// of them stay in the cache.
const chunk = 512

// linear sets eta to the linear predictor of all rows.
func (d *design) linear(beta, eta []float64) {
	for from := 0; from < d.n; from += chunk {
		to := min(from+chunk, d.n)
		part := eta[from:to]
		for i := range part {
			part[i] = beta[0]
		}
		for j, col := range d.cols {
			floats.AddScaled(part, beta[1+j], col[from:to])
		}
	}
}

// transposed sets grad to the sum over rows of residual times row.
func (d *design) transposed(residual, grad []float64) {
	clear(grad)
	for from := 0; from < d.n; from += chunk {
		to := min(from+chunk, d.n)
		part := residual[from:to]
		grad[0] += floats.Sum(part)
		for j, col := range d.cols {
			grad[1+j] += floats.Dot(part, col[from:to])
		}
	}
}

// gram sets the lower triangle of g to the sum over rows of weight times row times
// row transposed, the intercept's 1 included.
func (d *design) gram(weight []float64, g [][]float64) {
	for i := range g {
		clear(g[i])
	}
	scaled := make([]float64, chunk)
	for from := 0; from < d.n; from += chunk {
		to := min(from+chunk, d.n)
		w := weight[from:to]
		g[0][0] += floats.Sum(w)
		for j, col := range d.cols {
			s := floats.MulTo(scaled[:to-from], w, col[from:to])
			row := g[1+j]
			row[0] += floats.Sum(s)
			for k, other := range d.cols[:j+1] {
				row[1+k] += floats.Dot(s, other[from:to])
			}
		}
	}
}

func square(n int) [][]float64 {
	flat := make([]float64, n*n)
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = flat[i*n : (i+1)*n]
	}
	return rows
}

// factor sets l to the Cholesky factor of a lower triangle a plus a ridge on its
// diagonal. A pivot that rounding made useless becomes a tiny positive one, so
// that a solve gives some finite direction; whoever asked checks where it leads.
func factor(a [][]float64, ridge func(i int) float64, l [][]float64) {
	top := 0.0
	for i := range a {
		top = math.Max(top, math.Abs(a[i][i])+ridge(i))
	}
	floor := math.Max(top, 1e-200) * 1e-13
	for i := range a {
		for j := range i + 1 {
			sum := a[i][j] - floats.Dot(l[i][:j], l[j][:j])
			if i != j {
				l[i][j] = sum / l[j][j]
				continue
			}
			if sum += ridge(i); !(sum > floor) {
				sum = floor
			}
			l[i][i] = math.Sqrt(sum)
		}
	}
}

// solve solves l lᵀ x = b in place.
func solve(l [][]float64, b []float64) {
	forward(l, b)
	for i := len(b) - 1; i >= 0; i-- {
		b[i] /= l[i][i]
		floats.AddScaled(b[:i], -b[i], l[i][:i])
	}
}

// forward solves l x = b in place.
func forward(l [][]float64, b []float64) {
	for i := range b {
		b[i] = (b[i] - floats.Dot(l[i][:i], b[:i])) / l[i][i]
	}
}

func maxAbs(xs []float64) float64 {
	top := 0.0
	for _, x := range xs {
		top = math.Max(top, math.Abs(x))
	}
	return top
}

// minimise finds the minimum of a smooth convex function from x on, in place,
// until no element of the gradient exceeds tol: L-BFGS with backtracking, started
// from an approximate inverse Hessian that precondition applies in place.
//
// Nocedal, Wright (2006), Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5.
func minimise(f func(x, grad []float64) float64, x []float64, precondition func([]float64), tol float64, limit int) {
	const memory = 10
	type pair struct {
		s, y []float64
		rho  float64
	}
	var pairs []pair
	grad, next, nextGrad := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	dir := make([]float64, len(x))
	var alpha [memory]float64
	value := f(x, grad)
	for range limit {
		if maxAbs(grad) <= tol {
			return
		}
		copy(dir, grad)
		for i := len(pairs) - 1; i >= 0; i-- {
			p := &pairs[i]
			alpha[i] = p.rho * floats.Dot(p.s, dir)
			floats.AddScaled(dir, -alpha[i], p.y)
		}
		precondition(dir)
		for i := range pairs {
			p := &pairs[i]
			floats.AddScaled(dir, alpha[i]-p.rho*floats.Dot(p.y, dir), p.s)
		}
		slope := -floats.Dot(grad, dir)
		if !(slope < 0) {
			if pairs == nil {
				return
			}
			pairs = nil // what was learned of the curvature is rounding errors
			continue
		}
		step, moved := 1.0, false
		for range 40 {
			copy(next, x)
			floats.AddScaled(next, -step, dir)
			v := f(next, nextGrad)
			if v <= value+1e-4*step*slope+1e-14*math.Abs(value) {
				moved = true
				value = v
				break
			}
			step /= 2
		}
		if !moved {
			if pairs == nil {
				return
			}
			pairs = nil
			continue
		}
		var p pair
		if len(pairs) == memory { // its slices serve again
			p = pairs[0]
			copy(pairs, pairs[1:])
			pairs = pairs[:memory-1]
		} else {
			p = pair{s: make([]float64, len(x)), y: make([]float64, len(x))}
		}
		floats.SubTo(p.s, next, x)
		floats.SubTo(p.y, nextGrad, grad)
		if sy := floats.Dot(p.s, p.y); sy > 1e-300 {
			p.rho = 1 / sy
			pairs = append(pairs, p)
		}
		copy(x, next)
		copy(grad, nextGrad)
	}
}
