package reports

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"multihome.i2p/analysis/result"
)

// A Report is all that report.html shows: the question and its answer, the
// plots, the numbers, and what they rest on.
type Report struct {
	Summary *result.Summary
	// Figures holds the plots' data and the report's words.
	Figures *result.Figures
}

var (
	//go:embed report.html.tmpl
	htmlTemplate string
	//go:embed report.css
	htmlCSS string

	page = template.Must(template.New("report").Parse(htmlTemplate))
)

// unfoldedPoints is how many grid points show their table at once; a long
// sweep's further points are there, but folded.
const unfoldedPoints = 3

// WriteHTML writes r as one HTML file that needs nothing else: no network, no
// script, no other file. It follows the reader's choice of light or dark,
// fits a phone, and prints in light.
func (r Report) WriteHTML(w io.Writer) error {
	v, err := newPageView(r)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// A pageView is a report laid out for the template, which only places it.
type pageView struct {
	Title      string
	CSS        template.CSS
	Summary    *result.Summary
	Text       result.Text
	Detail     []string // paragraphs
	FirstLimit string
	Figures    []figureView
	Points     []pointView
	PointCount int
}

type figureView struct {
	Number            int
	Kind              result.Kind
	Title, Note, Band string
	SVG               template.HTML
	Series            []seriesView
}

type seriesView struct {
	Label string
	Head  []string
	Rows  [][]string
}

type pointView struct {
	Title    string
	Foldable bool
	Open     bool
	Columns  []string
	Expected bool
	Span     int // columns of the table
	Sections []sectionView
	Note     string
	Warnings []string
}

type sectionView struct {
	Title string
	Rows  []rowView
}

type rowView struct {
	Name                    []string // in parts that a line may break after
	Text, Expected, Unit, N string
	Cells                   []cellView
}

type cellView struct {
	Value, Interval string
	Undefined       bool
}

func newPageView(r Report) (*pageView, error) {
	text := r.Figures.Text
	v := &pageView{
		Title: text.Title,
		// The style sheet is ours and holds nothing of the report.
		CSS:     template.CSS(htmlCSS + paletteCSS(".mh-plot")),
		Summary: r.Summary,
		Text:    text,
		Detail:  paragraphs(text.AnswerDetail),
	}
	if v.Title == "" {
		v.Title = r.Summary.Scenario
	}
	// A reader who stops after the answer must have seen the heaviest limit.
	if len(text.Limits) > 0 {
		v.FirstLimit = text.Limits[0]
	}
	for i := range r.Figures.Figures {
		f, err := newFigureView(&r.Figures.Figures[i], i+1)
		if err != nil {
			return nil, err
		}
		v.Figures = append(v.Figures, f)
	}
	points := r.Summary.Points()
	varying := r.Summary.Varying()
	v.PointCount = len(points)
	for i, p := range points {
		pv := newPointView(pointColumns(p))
		pv.Title = pointTitle(p, varying)
		pv.Foldable = len(points) > unfoldedPoints && pv.Title != ""
		pv.Open = i < unfoldedPoints
		v.Points = append(v.Points, pv)
	}
	return v, nil
}

// paragraphs splits text at blank lines.
func paragraphs(text string) []string {
	var out []string
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func newFigureView(f *result.Figure, number int) (figureView, error) {
	svg, err := inlinePlot(f)
	if err != nil {
		return figureView{}, err
	}
	v := figureView{
		Number: number, Kind: f.Kind, Title: sentence(f.Title), Note: sentence(f.Note), Band: bandNote(f),
		// finishSVG has escaped every text in it.
		SVG: template.HTML(svg),
	}
	for i := range f.Series {
		s := &f.Series[i]
		sv := seriesView{Label: legendText(s), Head: []string{axisText(f.X), axisText(f.Y)}}
		if s.HasBand() {
			sv.Head = append(sv.Head, "from", "to")
		}
		for j := range s.X {
			row := []string{xText(f, s.X[j]), single(s.Y[j])}
			if s.HasBand() {
				row = append(row, single(s.Lo[j]), single(s.Hi[j]))
			}
			sv.Rows = append(sv.Rows, row)
		}
		v.Series = append(v.Series, sv)
	}
	for i := range f.Panels {
		v.Series = append(v.Series, panelView(f, i))
	}
	return v, nil
}

// sentence ends text with a full stop, unless something ends it already.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!:") {
		return s
	}
	return s + "."
}

// xText is a number on the x axis, or the category it stands for.
func xText(f *result.Figure, x float64) string {
	if len(f.X.Categories) > 0 {
		return f.X.Categories[int(x)]
	}
	return single(x)
}

// bandNote says what level the figure's intervals have: the lowest of them.
func bandNote(f *result.Figure) string {
	level := math.Inf(1)
	series := f.Series
	for i := range f.Panels {
		series = append(series[:len(series):len(series)], f.Panels[i].Series...)
	}
	for i := range series {
		if s := &series[i]; s.HasBand() && s.Confidence > 0 {
			level = min(level, s.Confidence)
		}
	}
	if math.IsInf(level, 1) {
		return ""
	}
	what := "Bands"
	if f.Kind == result.Sweep || f.Kind == result.Histogram || f.Kind == result.Pareto {
		what = "Bars with caps"
	}
	return fmt.Sprintf("%s are intervals of at least %s confidence.", what, percent(level))
}

func newPointView(columns []Column) pointView {
	secs := sections(columns)
	none, same := shared(secs, func(r row) string { return r.expected })
	v := pointView{Expected: !same || none != "", Note: intervalNote(columns)}
	if len(secs) == 0 {
		v.Expected = false
	}
	for _, col := range columns {
		v.Columns = append(v.Columns, col.Label)
		for _, w := range col.Cell.Warnings() {
			v.Warnings = append(v.Warnings, col.Label+": "+w)
		}
	}
	v.Span = len(columns) + 3
	if v.Expected {
		v.Span++
	}
	for _, s := range secs {
		sv := sectionView{Title: capital(s.title)}
		for _, r := range s.rows {
			rv := rowView{Name: breakable(r.name), Text: capital(sentence(r.text)), Expected: r.expected, Unit: r.unit, N: r.n}
			for _, c := range r.values {
				rv.Cells = append(rv.Cells, cellView{c.value, c.interval, c.value == undefined})
			}
			sv.Rows = append(sv.Rows, rv)
		}
		v.Sections = append(v.Sections, sv)
	}
	return v
}

// breakable splits a name after its dots and underscores, where a narrow
// screen may break it.
func breakable(name string) []string {
	var parts []string
	for name != "" {
		i := strings.IndexAny(name, "._@")
		if i < 0 {
			i = len(name) - 1
		}
		parts = append(parts, name[:i+1])
		name = name[i+1:]
	}
	return parts
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
