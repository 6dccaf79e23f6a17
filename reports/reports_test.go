package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"multihome.i2p/analysis/result"
	"multihome.i2p/reports"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the diff before committing it")

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run go test -update and read the diff\ngot:\n%s", path, got)
	}
}

func htmlOf(t *testing.T, r reports.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func tableOf(t *testing.T, s *result.Summary, opt reports.TableOptions) string {
	t.Helper()
	var out bytes.Buffer
	if err := reports.WriteTable(&out, s, opt); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// smallReport is short enough for a golden file that people read.
func smallReport() reports.Report {
	r := exampleReport()
	r.Summary.Cells = r.Summary.Cells[4:6]
	var small []result.Figure
	for _, f := range r.Figures.Figures {
		if f.ID == "roc" {
			f.Series = slices.Clone(f.Series)
			for i := range f.Series {
				s := &f.Series[i]
				thin := func(v []float64) (out []float64) {
					for j := 0; j < len(v); j += 10 {
						out = append(out, v[j])
					}
					return out
				}
				s.X, s.Y, s.Lo, s.Hi = thin(s.X), thin(s.Y), thin(s.Lo), thin(s.Hi)
			}
			small = append(small, f)
		}
	}
	r.Figures.Figures = small
	return r
}

func TestGoldenTables(t *testing.T) {
	s := exampleReport().Summary
	one := *s
	one.Cells = s.Cells[4:6]
	golden(t, "table-80.golden.txt", []byte(tableOf(t, &one, reports.TableOptions{Width: 80})))
	golden(t, "table-120.golden.txt", []byte(tableOf(t, &one, reports.TableOptions{Width: 120, AllAttacks: true})))
	golden(t, "table-grid.golden.txt", []byte(tableOf(t, s, reports.TableOptions{Width: 120})))

	var out bytes.Buffer
	columns := []reports.Column{{Label: "two routers", Cell: &s.Cells[2]}, {Label: "eight routers", Cell: &s.Cells[6]}}
	if err := reports.WriteColumns(&out, columns, reports.TableOptions{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "table-columns.golden.txt", out.Bytes())
}

func TestTableKeepsItsWidth(t *testing.T) {
	for _, width := range []int{80, 100, 120} {
		for line := range strings.Lines(tableOf(t, exampleReport().Summary, reports.TableOptions{Width: width, AllAttacks: true})) {
			if len(line) > width+1 && !strings.HasPrefix(line, "warning:") {
				t.Errorf("%d columns, not %d: %s", len(line)-1, width, line)
			}
		}
	}
}

func TestTableHidesControlCharacters(t *testing.T) {
	c := result.Cell{Arm: result.Policy}
	c.Warn("clear\x1b[2J the screen")
	out := tableOf(t, &result.Summary{Scenario: "x\x1b]0;y\a", Cells: []result.Cell{c}}, reports.TableOptions{})
	if strings.ContainsAny(out, "\x1b\a") {
		t.Errorf("%q", out)
	}
}

// Expected texts are worked out by hand.
func TestNumbersOfARow(t *testing.T) {
	m := func(center, lo, hi float64) result.Metric {
		return result.Metric{Center: center, Lo: lo, Hi: hi, Confidence: 0.95, N: 1, Unit: "1"}
	}
	for _, c := range []struct {
		in   []result.Metric
		want []string
	}{
		// Half-width 0.13: two digits are 0.01.
		{[]result.Metric{m(10.2345, 10.1, 10.36)}, []string{"10.23 [10.10, 10.36]"}},
		// The interval is rounded outwards, the estimate to nearest.
		{[]result.Metric{m(0.8255, 0.7849, 0.8601)}, []string{"0.826 [0.784, 0.861]"}},
		// 0.57 and 0.29 are not exact in binary, and stay themselves.
		{[]result.Metric{m(0.43, 0.29, 0.57)}, []string{"0.43 [0.29, 0.57]"}},
		// One precision for the row, the narrowest interval's.
		{[]result.Metric{m(5, 4, 6), m(5.1234, 5.1, 5.15)}, []string{"5.000 [4.000, 6.000]", "5.123 [5.100, 5.150]"}},
		{[]result.Metric{m(1023456, 992222, 1048441)}, []string{"1023k [992k, 1049k]"}},
		{[]result.Metric{m(12345678, 12000000, 12700000)}, []string{"12.35M [12.00M, 12.70M]"}},
		{[]result.Metric{m(1.5e-7, 1e-7, 2e-7)}, []string{"1.50e-07 [1.00e-07, 2.00e-07]"}},
		{[]result.Metric{result.Exact(16, 9, "leases")}, []string{"16"}},
		{[]result.Metric{result.Exact(0, 9, "leases")}, []string{"0"}},
		{[]result.Metric{result.Undefined(0, "1")}, []string{"undefined"}},
		{[]result.Metric{m(0.5, nan, 0.75)}, []string{"0.5000 [undefined, 0.7500]"}},
		// No interval at all: four digits.
		{[]result.Metric{{Center: 1. / 3, Lo: nan, Hi: nan, Unit: "1"}}, []string{"0.3333"}},
		// An absurdly narrow interval does not make an absurdly long number.
		{[]result.Metric{m(123.456789012, 123.456789011, 123.456789013)}, []string{"123.457 [123.456, 123.457]"}},
		{[]result.Metric{m(-3.21, -4.5, -2.5)}, []string{"-3.2 [-4.5, -2.5]"}},
	} {
		var columns []reports.Column
		for _, metric := range c.in {
			cell := &result.Cell{Arm: result.Policy}
			cell.Set("m", metric)
			columns = append(columns, reports.Column{Label: "c", Cell: cell})
		}
		var out bytes.Buffer
		if err := reports.WriteColumns(&out, columns, reports.TableOptions{Width: 200}); err != nil {
			t.Fatal(err)
		}
		row := ""
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "m ") {
				row = line
			}
		}
		for _, want := range c.want {
			if !strings.Contains(row, " "+want) {
				t.Errorf("%v: got %q, want %q", c.in, row, want)
			}
		}
	}
}

func TestGoldenReport(t *testing.T) {
	r := smallReport()
	golden(t, "report.golden.html", []byte(htmlOf(t, r)))
	for _, f := range exampleReport().Figures.Figures {
		if f.ID == "distinct-ibgw" || f.ID == "survival-by-policy" || f.ID == "sweep-attack-best-auc-destination-routers-count" {
			golden(t, f.ID+".golden.svg", mustPlot(t, &f))
		}
	}
	golden(t, "roc.golden.svg", mustPlot(t, &r.Figures.Figures[0]))
}

func mustPlot(t *testing.T, f *result.Figure) []byte {
	t.Helper()
	svg, err := reports.Plot(f)
	if err != nil {
		t.Fatal(err)
	}
	return svg
}

// An element of a parsed page.
type element struct {
	name  string
	attrs map[string]string
	text  string // directly inside
}

// parse reads XML, or HTML that closes its elements as XML does but for the
// void ones, and fails on anything unbalanced.
func parse(t *testing.T, doc string) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	if strings.HasPrefix(doc, "<!DOCTYPE html>") {
		d.Strict = false
		d.AutoClose = []string{"meta", "br", "wbr"}
		d.Entity = xml.HTMLEntity
	}
	var all []element
	var open []int
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("does not parse: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(token)
			}
		}
	}
	if len(open) > 0 {
		t.Fatalf("%s is not closed", all[open[len(open)-1]].name)
	}
	return all
}

func texts(all []element) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.text + "\n")
	}
	return b.String()
}

func TestPageNeedsNothingElse(t *testing.T) {
	page := htmlOf(t, exampleReport())
	for _, e := range parse(t, page) {
		if slices.Contains([]string{"script", "link", "iframe", "img", "image", "object", "embed", "base", "form", "use"}, e.name) {
			t.Errorf("the page has a %s element", e.name)
		}
		for name, value := range e.attrs {
			if slices.Contains([]string{"src", "href", "srcset", "data", "action", "background", "poster"}, name) || strings.HasPrefix(name, "on") {
				t.Errorf("%s has %s=%q", e.name, name, value)
			}
		}
	}
	for _, bad := range []string{"http:", "https:", "url(", "@import", "<script>alert"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if !strings.Contains(page, "default-src &#39;none&#39;") && !strings.Contains(page, "default-src 'none'") {
		t.Error("no content security policy")
	}
}

func TestPageShowsEverything(t *testing.T) {
	r := exampleReport()
	all := parse(t, htmlOf(t, r))
	text := texts(all)
	want := []string{
		r.Figures.Text.Question, r.Figures.Text.Answer, r.Figures.Text.Command, "140", "0123abcd4567",
		"undefined", "[0.779, 0.852]", "destination.routers.count = 8", "At most 16 leases stand in a LeaseSet",
		"failover_s: undefined: center, lo, hi (n = 0)", "<script>alert(1)</script> & \"quotes\"",
	}
	want = append(want, r.Figures.Text.Limits...)
	want = append(want, r.Figures.Text.Warnings...)
	for _, f := range r.Figures.Figures {
		want = append(want, f.Title, f.Note, f.X.Label, f.Y.Label)
		for _, s := range f.Series {
			want = append(want, fmt.Sprintf("%s (n = %d)", s.Label, s.N))
		}
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not show %q", w)
		}
	}
	// The heaviest limit stands beside the answer, not only in its section.
	if strings.Count(text, r.Figures.Text.Limits[0]) != 2 {
		t.Error("the first limit does not stand with the answer")
	}

	ids := map[string]bool{}
	for _, e := range all {
		if id := e.attrs["id"]; id != "" {
			if ids[id] {
				t.Errorf("two elements have the id %s", id)
			}
			ids[id] = true
		}
	}
	for _, e := range all {
		for id := range strings.FieldsSeq(e.attrs["aria-labelledby"]) {
			if !ids[id] {
				t.Errorf("%s is labelled by %s, which is not there", e.name, id)
			}
		}
	}
}

var classColour = regexp.MustCompile(`\.(mh-[a-z0-9]+-[fs])\{(?:fill|stroke):#`)

// Every colour in a plot can be changed by its class, and has a light and a
// dark value, whether the plot stands alone or in a page.
func TestPlotsAreReadableInLightAndDark(t *testing.T) {
	r := exampleReport()
	docs := map[string]string{"page": htmlOf(t, r)}
	for _, f := range r.Figures.Figures {
		docs[f.ID] = string(mustPlot(t, &f))
	}
	for name, doc := range docs {
		light, dark, ok := strings.Cut(doc, "@media screen and (prefers-color-scheme:dark){")
		if !ok {
			t.Errorf("%s: no dark colours", name)
			continue
		}
		dark, _, _ = strings.Cut(dark, "\n}\n")
		known := map[string]int{}
		for i, css := range []string{light, dark} {
			for _, m := range classColour.FindAllStringSubmatch(css, -1) {
				known[m[1]] |= i + 1
			}
		}
		for _, e := range parse(t, doc) {
			for _, property := range []string{"fill", "stroke"} {
				if v := e.attrs[property]; v == "" || v == "none" {
					continue
				}
				class := ""
				for c := range strings.FieldsSeq(e.attrs["class"]) {
					if strings.HasSuffix(c, "-"+property[:1]) {
						class = c
					}
				}
				if known[class] != 3 {
					t.Errorf("%s: %s with %s %s has class %q, coloured for %d of 3", name, e.name, property, e.attrs[property], class, known[class])
				}
			}
			if e.attrs["style"] != "" {
				t.Errorf("%s: %s has a style that no style sheet can change", name, e.name)
			}
			if e.name == "text" && e.attrs["class"] == "" {
				t.Errorf("%s: text %q has no colour", name, e.text)
			}
		}
	}
}

func TestPlotsHaveTextAlternatives(t *testing.T) {
	for _, f := range exampleReport().Figures.Figures {
		all := parse(t, string(mustPlot(t, &f)))
		root := all[0]
		id := "fig-" + f.ID
		if root.name != "svg" || root.attrs["role"] != "img" || root.attrs["viewBox"] == "" || root.attrs["id"] != id || root.attrs["aria-labelledby"] != id+"-title "+id+"-desc" {
			t.Errorf("%s: %+v", f.ID, root)
		}
		if _, fixed := root.attrs["height"]; fixed || root.attrs["width"] != "100%" {
			t.Errorf("%s does not follow its page's width", f.ID)
		}
		if all[1].name != "title" || all[1].text != f.Title || all[2].name != "desc" || !strings.Contains(all[2].text, f.Y.Label) {
			t.Errorf("%s: title %+v, description %+v", f.ID, all[1], all[2])
		}
	}
}

// Text of a file is data: it neither ends an element nor starts one.
func TestPlotsEscapeText(t *testing.T) {
	evil := `</title><script>alert(1)</script>" onload="x" style="fill:#000000"`
	f := exampleReport().Figures.Figures[0]
	f.Title, f.Note, f.X.Label, f.Y.Label = evil, evil, evil, evil
	f.Series = []result.Series{{Label: evil, Arm: result.Policy, X: []float64{0, 1}, Y: []float64{0, 1}}}
	for _, e := range parse(t, string(mustPlot(t, &f))) {
		if e.name == "script" || e.attrs["onload"] != "" {
			t.Errorf("%+v", e)
		}
	}
	r := exampleReport()
	r.Figures.Figures = []result.Figure{f}
	for _, e := range parse(t, htmlOf(t, r)) {
		if e.name == "script" || e.attrs["onload"] != "" {
			t.Errorf("%+v", e)
		}
	}
	f.Title = "a\x00b"
	parse(t, string(mustPlot(t, &f)))
}

// Reports of almost nothing are still reports.
func TestTinyReports(t *testing.T) {
	inf := math.Inf(1)
	var figures []result.Figure
	for _, kind := range []result.Kind{result.ROC, result.Curve, result.Histogram, result.Sweep, result.Load} {
		for i, s := range [][]result.Series{
			nil,
			{{Label: "empty", Arm: result.Policy}},
			{{Label: "one point", Arm: result.Policy, X: []float64{3}, Y: []float64{3}, Lo: []float64{3}, Hi: []float64{3}, N: 1}},
			{{Label: "undefined", Arm: result.Policy, X: []float64{1, 2}, Y: []float64{nan, nan}, Lo: []float64{nan, nan}, Hi: []float64{nan, nan}}},
			{{Label: "zeros", Arm: result.Reference, X: []float64{0, 0}, Y: []float64{0, 0}}},
			{{Label: "huge", Arm: result.Measured, X: []float64{0, 1e300}, Y: []float64{-1e300, 1e300}}},
			{{Label: "infinite", Arm: result.Measured, X: []float64{0, 1}, Y: []float64{inf, 1}, Lo: []float64{-inf, 0}, Hi: []float64{inf, 2}}},
			{{Label: "tiny", Arm: result.Measured, X: []float64{0, 5e-324}, Y: []float64{0, 5e-324}}},
		} {
			for _, scale := range []result.Scale{result.Linear, result.Log} {
				figures = append(figures, result.Figure{
					ID: fmt.Sprintf("%s-%d-%s", kind, i, scale), Kind: kind, Series: s,
					X: result.Axis{Unit: "h", Scale: scale}, Y: result.Axis{Unit: "1", Scale: scale},
				})
			}
		}
	}
	for i, panels := range [][]result.Panel{
		nil,
		{{X: result.Axis{Unit: "share"}, Better: result.High}},
		{{X: result.Axis{Unit: "s"}, Better: result.Low, Series: []result.Series{{Label: "empty", Arm: result.Policy}}, Frontier: []int{0}}},
		{{X: result.Axis{Unit: "1"}, Better: result.Low, Series: []result.Series{
			{Label: "huge", Arm: result.Policy, X: []float64{1e300}, Y: []float64{-1e300}, XLo: []float64{0}, XHi: []float64{inf}},
			{Label: "undefined", Arm: result.Reference, X: []float64{1}, Y: []float64{nan}, Lo: []float64{nan}, Hi: []float64{nan}},
			{Label: "zero", Arm: result.Policy, X: []float64{0}, Y: []float64{0}},
			{Label: "zero too", Arm: result.Policy, X: []float64{0}, Y: []float64{0}},
		}, Frontier: []int{2, 0}}},
	} {
		figures = append(figures, result.Figure{
			ID: fmt.Sprintf("pareto-%d", i), Kind: result.Pareto, Panels: panels, X: result.Axis{Unit: "1"}, Y: result.Axis{Unit: "1"},
		})
	}
	for name, r := range map[string]reports.Report{
		"nothing":  {Summary: &result.Summary{Scenario: "s"}, Figures: &result.Figures{}},
		"no cells": {Summary: &result.Summary{Scenario: "s"}, Figures: &result.Figures{Figures: figures}},
		"empty cell": {
			Summary: &result.Summary{Scenario: "s", Cells: []result.Cell{{Arm: result.Reference}}},
			Figures: &result.Figures{},
		},
	} {
		files, err := r.Files()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		page := string(files[len(files)-1].Data)
		text := texts(parse(t, page))
		if name != "empty cell" && !strings.Contains(text, "The summary holds no cells") {
			t.Errorf("%s: the page does not say that there is nothing", name)
		}
		if name == "empty cell" && !strings.Contains(text, "This cell holds no metrics") {
			t.Errorf("%s: the page does not say that there is nothing", name)
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name, ".svg") {
				checkNumbers(t, f.Name, f.Data)
			}
		}
		tableOf(t, r.Summary, reports.TableOptions{})
	}
}

var badNumber = regexp.MustCompile(`(NaN|Inf)`)

// checkNumbers fails if a coordinate is no number: a browser drops the path.
func checkNumbers(t interface {
	Helper()
	Errorf(string, ...any)
}, name string, svg []byte,
) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(d|x|y|transform|viewBox|stroke-dasharray)="([^"]*)"`).FindAllSubmatch(svg, -1) {
		if badNumber.Match(m[2]) {
			t.Errorf("%s: %s", name, m[0])
			return
		}
	}
}

func TestAnyFigureCanBeDrawn(t *testing.T) {
	number := rapid.OneOf(rapid.Float64Range(-10, 10), rapid.Float64(), rapid.SampledFrom([]float64{0, 1, nan, 1e-300}))
	rapid.Check(t, func(r *rapid.T) {
		f := result.Figure{
			ID: "f", Title: rapid.StringN(0, 60, -1).Draw(r, "title"),
			Kind: rapid.SampledFrom([]result.Kind{result.ROC, result.Curve, result.Histogram, result.Sweep, result.Load}).Draw(r, "kind"),
			X:    result.Axis{Label: "x", Unit: "h", Scale: rapid.SampledFrom([]result.Scale{"", result.Log}).Draw(r, "sx")},
			Y:    result.Axis{Label: "y", Unit: "share", Scale: rapid.SampledFrom([]result.Scale{"", result.Log}).Draw(r, "sy")},
		}
		for range rapid.IntRange(0, 9).Draw(r, "series") {
			s := result.Series{Label: rapid.StringN(0, 30, -1).Draw(r, "label"), Arm: rapid.SampledFrom([]result.Arm{result.Policy, result.Reference, result.Measured}).Draw(r, "arm")}
			band := rapid.Bool().Draw(r, "band")
			for range rapid.IntRange(0, 12).Draw(r, "points") {
				x := number.Draw(r, "x")
				if math.IsNaN(x) {
					x = 0
				}
				s.X, s.Y = append(s.X, x), append(s.Y, number.Draw(r, "y"))
				if band {
					lo, hi := number.Draw(r, "lo"), number.Draw(r, "hi")
					if lo > hi {
						lo, hi = hi, lo
					}
					s.Lo, s.Hi = append(s.Lo, lo), append(s.Hi, hi)
				}
			}
			f.Series = append(f.Series, s)
		}
		svg, err := reports.Plot(&f)
		if err != nil {
			r.Fatal(err)
		}
		checkNumbers(r, "f", svg)
	})
}

// A figure of panels shows each alternative once in its legend, in every panel, and in
// the tables below it; markers that coincide stand apart.
func TestPanels(t *testing.T) {
	point := func(label string, arm result.Arm, x, y float64) result.Series {
		return result.Series{
			Label: label, Arm: arm, X: []float64{x}, XLo: []float64{x - 0.01}, XHi: []float64{x + 0.01},
			Y: []float64{y}, Lo: []float64{y - 0.1}, Hi: []float64{y + 0.1}, Confidence: 0.95, N: 40,
		}
	}
	f := result.Figure{
		ID: "p", Kind: result.Pareto, Title: "Leak against each price", X: result.Axis{Label: "price", Unit: "1"},
		Y: result.Axis{Label: "AUC", Unit: "1", Guides: []result.Guide{{Value: 0.5, Label: "a guess"}}},
		Panels: []result.Panel{
			{X: result.Axis{Label: "Delivery", Unit: "share"}, Better: result.High, Frontier: []int{2, 0}, Series: []result.Series{
				point("one", result.Policy, 0.98, 0.9), point("two", result.Policy, 0.98, 0.9), point("three", result.Policy, 0.9, 0.6),
			}},
			{X: result.Axis{Label: "Builds", Unit: "1/h"}, Better: result.Low, Frontier: []int{0}, Series: []result.Series{
				point("one", result.Policy, 300, 0.6), point("alone", result.Reference, 100, 0.5),
			}},
		},
	}
	svg := string(mustPlot(t, &f))
	for text, times := range map[string]int{
		">one (n = 40)<": 1, ">alone (n = 40)<": 1, "Delivery (share), more is better": 2, "Builds (1/h), less is better": 2,
		"not undercut: three, one": 1, ">a guess<": 2,
	} {
		if n := strings.Count(svg, text); n != times {
			t.Errorf("%q stands %d times in the plot, want %d", text, n, times)
		}
	}
	r := exampleReport()
	r.Figures.Figures = []result.Figure{f}
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	again, err := reports.Open(files[0].Data, files[1].Data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Figures.Figures[0], f) {
		t.Errorf("read back: %+v", again.Figures.Figures[0])
	}
	page := texts(parse(t, htmlOf(t, r)))
	for _, text := range []string{"on the frontier", "Bars with caps are intervals of at least 95"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	f.Panels[0].Frontier = []int{3}
	if _, err := reports.Plot(&f); err == nil {
		t.Error("no error for an index beyond the series")
	}
}

func TestPlotRefusesAnInvalidFigure(t *testing.T) {
	if _, err := reports.Plot(&result.Figure{ID: "../x"}); err == nil {
		t.Error("no error")
	}
}

// What is rendered from the files equals what was rendered from memory, and a
// second time the same.
func TestRenderingAgain(t *testing.T) {
	first, err := exampleReport().Files()
	if err != nil {
		t.Fatal(err)
	}
	r, err := reports.Open(first[0].Data, first[1].Data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range first {
		names = append(names, first[i].Name)
		if first[i].Name != again[i].Name || !bytes.Equal(first[i].Data, again[i].Data) {
			t.Errorf("%s differs", first[i].Name)
		}
	}
	want := "summary.json figures.json results.csv plots/roc.svg"
	if got := strings.Join(names, " "); !strings.HasPrefix(got, want) || names[len(names)-1] != "report.html" {
		t.Errorf("files %s", got)
	}
	if _, err := reports.Open(first[1].Data, first[0].Data); err == nil || !strings.Contains(err.Error(), "summary.json:2:") {
		t.Errorf("swapped files: %v", err)
	}
}
