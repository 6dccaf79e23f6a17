package result

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SummaryFormat and SummaryVersion open every summary.json.
const (
	SummaryFormat  = "multihome-summary"
	SummaryVersion = 1
)

// An Arm says which side of a game a cell or a series belongs to.
type Arm string

const (
	// Policy is the arm under test.
	Policy Arm = "policy"
	// Reference is the world the policy should be indistinguishable from.
	Reference Arm = "reference"
	// Measured marks a series of published measurements, drawn for comparison;
	// no cell has it.
	Measured Arm = "measured"
)

// A Summary is the outcome of a run: one cell for each grid point and arm.
type Summary struct {
	// Scenario is the name of the scenario, Seed and Trials what it ran with
	// (Trials counts test trials for each arm), Commit the program's revision.
	Scenario string
	Seed     uint64
	Trials   int
	Commit   string
	// Cells are in grid order; a point's policy cell comes before its reference.
	Cells []Cell
}

// A Cell is one arm at one grid point. The zero value with an Arm is ready for
// use.
type Cell struct {
	Arm Arm
	// Params are the settings that tell this cell from others, the resolved
	// policy and scheme among them. Their order does not matter: files hold
	// them sorted by path.
	Params []Param

	names   []string // sorted
	metrics map[string]Metric
	warned  []string // in the order given
}

// Set stores m under name and replaces what stood there. An undefined number
// (NaN or infinite) is stored as NaN, and Warnings speaks of it.
func (c *Cell) Set(name string, m Metric) {
	if _, ok := c.metrics[name]; !ok {
		i, _ := slices.BinarySearch(c.names, name)
		c.names = slices.Insert(c.names, i, name)
	}
	if c.metrics == nil {
		c.metrics = make(map[string]Metric)
	}
	c.metrics[name] = m.normal()
}

// undefinedWarning is the warning that m needs, or "" if all of it is defined.
func undefinedWarning(name string, m Metric) string {
	parts := m.undefinedParts()
	if parts == "" {
		return ""
	}
	return fmt.Sprintf("%s: undefined: %s (n = %d)", name, parts, m.N)
}

// Warn adds what a reader must know before trusting the numbers, once.
func (c *Cell) Warn(text string) {
	if !slices.Contains(c.warned, text) {
		c.warned = append(c.warned, text)
	}
}

// Warnings returns the warnings given to Warn, in their order, and after them
// one for each metric with an undefined number, by rising name.
func (c *Cell) Warnings() []string {
	var undefined []string
	for name, m := range c.Metrics() {
		if w := undefinedWarning(name, m); w != "" {
			undefined = append(undefined, w)
		}
	}
	all := slices.DeleteFunc(slices.Clone(c.warned), func(s string) bool { return slices.Contains(undefined, s) })
	return append(all, undefined...)
}

// SetParam stores the value of a scenario path and replaces what stood there.
func (c *Cell) SetParam(path string, v Value) {
	for i := range c.Params {
		if c.Params[i].Path == path {
			c.Params[i].Value = v
			return
		}
	}
	c.Params = append(c.Params, Param{path, v})
}

// Param returns the value stored under path.
func (c *Cell) Param(path string) (Value, bool) {
	for _, p := range c.Params {
		if p.Path == path {
			return p.Value, true
		}
	}
	return Value{}, false
}

// Metric returns the metric stored under name.
func (c *Cell) Metric(name string) (Metric, bool) {
	m, ok := c.metrics[name]
	return m, ok
}

// Metrics yields the cell's metrics by rising name.
func (c *Cell) Metrics() iter.Seq2[string, Metric] {
	return func(yield func(string, Metric) bool) {
		for _, name := range c.names {
			if !yield(name, c.metrics[name]) {
				return
			}
		}
	}
}

// Len returns the number of metrics in c.
func (c *Cell) Len() int { return len(c.names) }

// sortedParams returns the params by rising path, without touching c.
func (c *Cell) sortedParams() []Param {
	ps := slices.Clone(c.Params)
	sort.SliceStable(ps, func(i, j int) bool { return ps[i].Path < ps[j].Path })
	return ps
}

// A Point is one grid point: the policy's cell and, where the scenario has
// one, the reference's. Either may be nil.
type Point struct {
	Policy, Reference *Cell
}

// Points groups the cells by grid point, in order: a policy cell opens a point
// and the reference cell after it belongs to the same one.
func (s *Summary) Points() []Point {
	var ps []Point
	for i := range s.Cells {
		c := &s.Cells[i]
		switch last := len(ps) - 1; {
		case c.Arm == Policy:
			ps = append(ps, Point{Policy: c})
		case last >= 0 && ps[last].Reference == nil:
			ps[last].Reference = c
		default:
			ps = append(ps, Point{Reference: c})
		}
	}
	return ps
}

// Varying returns the paths, sorted, whose value differs between the policy
// cells: what the grid sweeps and what follows from it.
func (s *Summary) Varying() []string {
	var cells []*Cell
	for _, p := range s.Points() {
		if p.Policy != nil {
			cells = append(cells, p.Policy)
		}
	}
	var paths []string
	for _, c := range cells {
		for _, p := range c.Params {
			if slices.Contains(paths, p.Path) {
				continue
			}
			for _, other := range cells {
				if v, ok := other.Param(p.Path); !ok || v != p.Value {
					paths = append(paths, p.Path)
					break
				}
			}
		}
	}
	slices.Sort(paths)
	return paths
}

// Validate reports the first thing in s that no file may hold.
func (s *Summary) Validate() error {
	if s.Scenario == "" {
		return fmt.Errorf("scenario: empty name")
	}
	if s.Trials < 0 {
		return fmt.Errorf("trials: %d is negative", s.Trials)
	}
	if err := validText("scenario", s.Scenario); err != nil {
		return err
	}
	if err := validText("commit", s.Commit); err != nil {
		return err
	}
	for i := range s.Cells {
		if err := s.Cells[i].validate(); err != nil {
			return fmt.Errorf("cells[%d].%w", i, err)
		}
	}
	return nil
}

func (c *Cell) validate() error {
	if c.Arm != Policy && c.Arm != Reference {
		return fmt.Errorf("arm: %q is neither %q nor %q", string(c.Arm), string(Policy), string(Reference))
	}
	seen := make(map[string]bool, len(c.Params))
	for _, p := range c.Params {
		where := "params." + p.Path
		if err := validName(p.Path); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if seen[p.Path] {
			return fmt.Errorf("%s: given twice", where)
		}
		seen[p.Path] = true
		if p.Value.kind == numberValue && !finite(p.Value.num) {
			return fmt.Errorf("%s: %v is not a finite number", where, p.Value.num)
		}
		if err := validText(where, p.Value.text); err != nil {
			return err
		}
	}
	for name, m := range c.Metrics() {
		where := "metrics." + name
		if err := validName(name); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if err := m.validate(); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if err := validText(where+".unit", m.Unit); err != nil {
			return err
		}
	}
	for i, w := range c.warned {
		if err := validText(fmt.Sprintf("warnings[%d]", i), w); err != nil {
			return err
		}
	}
	return nil
}

// validName accepts what can stand in a CSV header, a terminal and a file
// name's neighbourhood without quoting surprises.
func validName(s string) error {
	if s == "" {
		return fmt.Errorf("empty name")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError }) {
		return fmt.Errorf("name %q holds a space or a control character", s)
	}
	return nil
}

// validText refuses bytes that JSON would silently replace.
func validText(where, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s: %q is not UTF-8", where, s)
	}
	return nil
}
