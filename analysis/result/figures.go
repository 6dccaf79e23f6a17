package result

import (
	"fmt"
	"regexp"
)

// FiguresFormat and FiguresVersion open every figures.json.
const (
	FiguresFormat  = "multihome-figures"
	FiguresVersion = 1
)

// Figures is what report.html and plots/*.svg show beyond the numbers of a
// [Summary]: the report's words, and the data of its plots.
type Figures struct {
	Text    Text
	Figures []Figure
}

// Text is the report's words. The command that ran the experiment writes them
// once; rendering only sets them.
type Text struct {
	// Title names the report; the scenario's name stands in when it is empty.
	Title string
	// Question is the scenario's question, Answer one sentence that answers it
	// and states its interval, AnswerDetail what must be known to read it right.
	Question, Answer, AnswerDetail string
	// Command is the command line that makes the same results again.
	Command string
	// Assumptions are the numbers and rules the answer rests on.
	Assumptions []Assumption
	// Limits are what the simulated system does not hide and what the model
	// leaves out; the heaviest first.
	Limits []string
	// Warnings concern the whole run; those of one cell stand in the cell.
	Warnings []string
	// Table compares alternatives; without columns there is none.
	Table Table
}

// An Assumption is a number or rule of the model and where it comes from.
type Assumption struct {
	// Text says it in words, Source names the specification, router code or
	// measurement behind it.
	Text, Source string
	// Key is the scenario path that changes it, Value what the run used; both
	// are empty for a rule that no key changes.
	Key, Value string
}

// A Kind says how a figure is drawn.
type Kind string

const (
	// ROC plots the true against the false positive rate, with the diagonal of
	// a guess.
	ROC Kind = "roc"
	// Curve plots y over x with a band, such as distinct gateways over time.
	Curve Kind = "curve"
	// Histogram plots shares or counts as bars, grouped by x.
	Histogram Kind = "histogram"
	// Sweep plots a metric against a swept parameter, a point with its interval
	// for each grid point.
	Sweep Kind = "sweep"
	// Load plots a rate over time; its y axis starts at zero.
	Load Kind = "load"
	// Pareto plots a leak against several prices, a panel for each: a point with
	// both its intervals for each alternative, and the frontier of those that no
	// other undercuts.
	Pareto Kind = "pareto"
)

// kinds are all kinds, in the order a message lists them.
var kinds = []Kind{ROC, Curve, Histogram, Sweep, Load, Pareto}

// A Scale says how an axis maps numbers to lengths.
type Scale string

const (
	// Linear is the default.
	Linear Scale = "linear"
	// Log needs positive numbers; others are left out of the plot, and the
	// figure's data table still shows them.
	Log Scale = "log"
)

// An Axis is one axis of a figure.
type Axis struct {
	// Label says what is plotted; Unit follows it in brackets, "1" for a pure
	// number.
	Label, Unit string
	// Scale is Linear or Log; "" means Linear.
	Scale Scale
	// Categories, for an x axis of names instead of numbers, are those names; x
	// then holds indices into them.
	Categories []string
	// Guides are levels of a y axis to compare with.
	Guides []Guide
}

// A Guide is a level worth comparing with: what a guess would reach, or what
// a paper predicts.
type Guide struct {
	Value float64
	Label string
}

// A Series is one curve or one colour of bars.
type Series struct {
	Label string
	// Arm decides the colour, so that an arm looks the same in every figure of
	// a report.
	Arm Arm
	// X and Y are the points. Y may hold NaN, which leaves a gap.
	X, Y []float64
	// Lo and Hi bound Y's interval; both are empty when there is none.
	Lo, Hi []float64
	// Confidence is the level of Lo..Hi, 0 when there is none.
	Confidence float64
	// XLo and XHi bound X's interval, of the same confidence; both are empty when
	// there is none, as everywhere but in panels.
	XLo, XHi []float64
	// N is the number of independent observations behind the series.
	N int
}

// HasBand reports whether s has an interval for its points.
func (s *Series) HasBand() bool { return len(s.Lo) > 0 }

// A Figure is the data of one plot.
type Figure struct {
	// ID names the plot's file, plots/<id>.svg: lower case letters, digits and
	// dashes.
	ID string
	// Title says what the plot shows, Note how to read it.
	Title, Note string
	Kind        Kind
	X, Y        Axis
	Series      []Series
	// Panels stand in place of Series in a figure of kind Pareto. Series of one label
	// look the same in all of them.
	Panels []Panel
}

// A Panel is one plot of several that have the y axis in common.
type Panel struct {
	X      Axis
	Better Direction
	Series []Series
	// Frontier holds the indices of the series that no other undercuts, by rising x.
	Frontier []int
}

// A Direction says which end of an axis is the better one.
type Direction string

// The ends of an axis.
const (
	Low  Direction = "low"
	High Direction = "high"
)

var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate reports the first thing in f that no file may hold.
func (f *Figures) Validate() error {
	seen := make(map[string]bool, len(f.Figures))
	for i := range f.Figures {
		fig := &f.Figures[i]
		if err := fig.Validate(); err != nil {
			return fmt.Errorf("figures[%d].%w", i, err)
		}
		if seen[fig.ID] {
			return fmt.Errorf("figures[%d].id: %q is taken by an earlier figure", i, fig.ID)
		}
		seen[fig.ID] = true
	}
	return f.Text.validate()
}

func (t *Text) validate() error {
	texts := []struct{ where, text string }{
		{"title", t.Title},
		{"question", t.Question},
		{"answer", t.Answer},
		{"answer_detail", t.AnswerDetail},
		{"command", t.Command},
	}
	for i, a := range t.Assumptions {
		at := fmt.Sprintf("assumptions[%d]", i)
		texts = append(texts, []struct{ where, text string }{
			{at + ".text", a.Text}, {at + ".source", a.Source}, {at + ".key", a.Key}, {at + ".value", a.Value},
		}...)
	}
	for i, s := range t.Limits {
		texts = append(texts, struct{ where, text string }{fmt.Sprintf("limits[%d]", i), s})
	}
	for i, s := range t.Warnings {
		texts = append(texts, struct{ where, text string }{fmt.Sprintf("warnings[%d]", i), s})
	}
	for _, x := range texts {
		if err := validText("text."+x.where, x.text); err != nil {
			return err
		}
	}
	return t.Table.validate()
}

// Validate reports the first thing in f that cannot be drawn.
func (f *Figure) Validate() error {
	if !idPattern.MatchString(f.ID) {
		return fmt.Errorf("id: %q is not lower case letters, digits and single dashes", f.ID)
	}
	if !validKind(f.Kind) {
		return fmt.Errorf("kind: %q is none of %v", string(f.Kind), kinds)
	}
	for _, x := range []struct{ where, text string }{
		{"title", f.Title},
		{"note", f.Note},
		{"x.label", f.X.Label},
		{"x.unit", f.X.Unit},
		{"y.label", f.Y.Label},
		{"y.unit", f.Y.Unit},
	} {
		if err := validText(x.where, x.text); err != nil {
			return err
		}
	}
	for _, a := range []struct {
		name string
		axis *Axis
	}{{"x", &f.X}, {"y", &f.Y}} {
		if a.axis.Unit == "" {
			return fmt.Errorf(`%s.unit: empty; write "1" for a pure number`, a.name)
		}
		if s := a.axis.Scale; s != "" && s != Linear && s != Log {
			return fmt.Errorf("%s.scale: %q is neither %q nor %q", a.name, string(s), string(Linear), string(Log))
		}
	}
	if len(f.Y.Categories) > 0 {
		return fmt.Errorf("y.categories: only an x axis has categories")
	}
	if len(f.X.Guides) > 0 {
		return fmt.Errorf("x.guides: only a y axis has guides")
	}
	for i, g := range f.Y.Guides {
		where := fmt.Sprintf("y.guides[%d]", i)
		if !finite(g.Value) {
			return fmt.Errorf("%s.value: %v is not a finite number", where, g.Value)
		}
		if err := validText(where+".label", g.Label); err != nil {
			return err
		}
	}
	if len(f.X.Categories) > 0 && f.X.Scale == Log {
		return fmt.Errorf("x.scale: categories have no logarithm")
	}
	for i, c := range f.X.Categories {
		if err := validText(fmt.Sprintf("x.categories[%d]", i), c); err != nil {
			return err
		}
	}
	for i := range f.Series {
		s := &f.Series[i]
		if err := s.validate(len(f.X.Categories)); err != nil {
			return fmt.Errorf("series[%d].%w", i, err)
		}
		if len(s.XLo)+len(s.XHi) > 0 {
			return fmt.Errorf("series[%d].x_lo: only panels have intervals along x", i)
		}
	}
	if f.Kind == Pareto && len(f.Series) > 0 {
		return fmt.Errorf("series: a figure of kind %q has its series in panels", string(f.Kind))
	}
	if f.Kind != Pareto && len(f.Panels) > 0 {
		return fmt.Errorf("panels: only a figure of kind %q has them", string(Pareto))
	}
	for i := range f.Panels {
		if err := f.Panels[i].validate(); err != nil {
			return fmt.Errorf("panels[%d].%w", i, err)
		}
	}
	return nil
}

func (p *Panel) validate() error {
	if err := validText("x.label", p.X.Label); err != nil {
		return err
	}
	switch {
	case p.X.Unit == "":
		return fmt.Errorf(`x.unit: empty; write "1" for a pure number`)
	case p.X.Scale != "" || len(p.X.Categories) > 0 || len(p.X.Guides) > 0:
		return fmt.Errorf("x: the x axis of a panel is linear, without categories and guides")
	case p.Better != Low && p.Better != High:
		return fmt.Errorf("better: %q is neither %q nor %q", string(p.Better), string(Low), string(High))
	}
	if err := validText("x.unit", p.X.Unit); err != nil {
		return err
	}
	for i := range p.Series {
		s := &p.Series[i]
		if err := s.validate(0); err != nil {
			return fmt.Errorf("series[%d].%w", i, err)
		}
		if len(s.X) > 1 {
			return fmt.Errorf("series[%d].x: %d numbers; a series has one point in a panel", i, len(s.X))
		}
		if len(s.XLo) != len(s.XHi) || len(s.XLo) != 0 && len(s.XLo) != len(s.X) {
			return fmt.Errorf("series[%d].x_lo: %d numbers, x_hi: %d, for %d in x; give both in full or neither", i, len(s.XLo), len(s.XHi), len(s.X))
		}
		for j := range s.XLo {
			if finite(s.XLo[j]) && finite(s.XHi[j]) && s.XLo[j] > s.XHi[j] {
				return fmt.Errorf("series[%d].x_lo[%d]: %v is above x_hi %v", i, j, s.XLo[j], s.XHi[j])
			}
		}
	}
	for i, k := range p.Frontier {
		if k < 0 || k >= len(p.Series) {
			return fmt.Errorf("frontier[%d]: %d is no index into %d series", i, k, len(p.Series))
		}
	}
	return nil
}

func (s *Series) validate(categories int) error {
	if err := validText("label", s.Label); err != nil {
		return err
	}
	switch {
	case s.Arm != Policy && s.Arm != Reference && s.Arm != Measured:
		return fmt.Errorf("arm: %q is none of %q, %q and %q", string(s.Arm), string(Policy), string(Reference), string(Measured))
	case len(s.Y) != len(s.X):
		return fmt.Errorf("y: %d numbers for %d in x", len(s.Y), len(s.X))
	case len(s.Lo) != len(s.Hi) || (len(s.Lo) != 0 && len(s.Lo) != len(s.X)):
		return fmt.Errorf("lo: %d numbers, hi: %d, for %d in x; give both in full or neither", len(s.Lo), len(s.Hi), len(s.X))
	case !(s.Confidence >= 0 && s.Confidence <= 1):
		return fmt.Errorf("confidence: %v is not within 0 and 1", s.Confidence)
	case s.N < 0:
		return fmt.Errorf("n: %d is negative", s.N)
	}
	for i, x := range s.X {
		if !finite(x) {
			return fmt.Errorf("x[%d]: %v; only y, lo and hi may be undefined", i, x)
		}
		if categories > 0 && (x != float64(int(x)) || x < 0 || int(x) >= categories) {
			return fmt.Errorf("x[%d]: %v is no index into %d categories", i, x, categories)
		}
	}
	for i := range s.Lo {
		if finite(s.Lo[i]) && finite(s.Hi[i]) && s.Lo[i] > s.Hi[i] {
			return fmt.Errorf("lo[%d]: %v is above hi %v", i, s.Lo[i], s.Hi[i])
		}
	}
	return nil
}

func validKind(k Kind) bool {
	for _, known := range kinds {
		if k == known {
			return true
		}
	}
	return false
}
