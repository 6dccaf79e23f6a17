package result

import (
	"fmt"
	"slices"
	"strconv"
)

// Encode returns s as the canonical bytes of a summary.json, or an error that
// names the place of a value no file may hold.
func (s *Summary) Encode() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	w := jsonWriter{}
	w.open('{')
	w.key("format").string(SummaryFormat)
	w.key("version").int(SummaryVersion)
	w.key("scenario").string(s.Scenario)
	w.key("seed").raw(strconv.FormatUint(s.Seed, 10))
	w.key("trials").int(s.Trials)
	w.key("commit").string(s.Commit)
	w.key("cells").open('[')
	for i := range s.Cells {
		w.element()
		s.Cells[i].encode(&w)
	}
	w.close(']')
	w.close('}')
	return w.end(), nil
}

func (c *Cell) encode(w *jsonWriter) {
	w.open('{')
	w.key("arm").string(string(c.Arm))
	w.key("params").open('{')
	for _, p := range c.sortedParams() {
		w.key(p.Path)
		w.buf = p.Value.appendJSON(w.buf)
	}
	w.close('}')
	w.key("metrics").open('{')
	for name, m := range c.Metrics() {
		w.key(name)
		m.encode(w)
	}
	w.close('}')
	w.key("warnings").strings(c.Warnings())
	w.close('}')
}

// encode writes a metric on one line: a diff of two runs then shows a line for
// each metric that moved.
func (m Metric) encode(w *jsonWriter) {
	w.raw(`{"center": `).float(m.Center)
	w.raw(`, "lo": `).float(m.Lo)
	w.raw(`, "hi": `).float(m.Hi)
	w.raw(`, "confidence": `).float(m.Confidence)
	w.raw(`, "n": `).int(m.N)
	w.raw(`, "unit": `).string(m.Unit)
	if m.Expected != nil {
		w.raw(`, "expected": `).float(*m.Expected)
	}
	w.raw(`}`)
}

// Encode returns f as the canonical bytes of a figures.json, or an error that
// names the place of a value no file may hold.
func (f *Figures) Encode() ([]byte, error) {
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("figures: %w", err)
	}
	w := jsonWriter{}
	w.open('{')
	w.key("format").string(FiguresFormat)
	w.key("version").int(FiguresVersion)
	w.key("text")
	f.Text.encode(&w)
	w.key("figures").open('[')
	for i := range f.Figures {
		w.element()
		f.Figures[i].encode(&w)
	}
	w.close(']')
	w.close('}')
	return w.end(), nil
}

func (t *Text) encode(w *jsonWriter) {
	w.open('{')
	w.key("title").string(t.Title)
	w.key("question").string(t.Question)
	w.key("answer").string(t.Answer)
	w.key("answer_detail").string(t.AnswerDetail)
	w.key("command").string(t.Command)
	w.key("assumptions").open('[')
	for _, a := range t.Assumptions {
		w.element()
		w.open('{')
		w.key("text").string(a.Text)
		w.key("source").string(a.Source)
		w.key("key").string(a.Key)
		w.key("value").string(a.Value)
		w.close('}')
	}
	w.close(']')
	w.key("limits").strings(t.Limits)
	w.key("warnings").strings(t.Warnings)
	if len(t.Table.Columns) > 0 {
		w.key("table")
		t.Table.encode(w)
	}
	w.close('}')
}

func (f *Figure) encode(w *jsonWriter) {
	w.open('{')
	w.key("id").string(f.ID)
	w.key("title").string(f.Title)
	w.key("kind").string(string(f.Kind))
	w.key("x")
	f.X.encode(w)
	w.key("y")
	f.Y.encode(w)
	w.key("series")
	encodeSeries(w, f.Series)
	if len(f.Panels) > 0 {
		w.key("panels").open('[')
		for i := range f.Panels {
			p := &f.Panels[i]
			w.element()
			w.open('{')
			w.key("x")
			p.X.encode(w)
			w.key("better").string(string(p.Better))
			w.key("series")
			encodeSeries(w, p.Series)
			w.key("frontier").ints(p.Frontier)
			w.close('}')
		}
		w.close(']')
	}
	w.key("note").string(f.Note)
	w.close('}')
}

func encodeSeries(w *jsonWriter, list []Series) {
	w.open('[')
	for i := range list {
		s := &list[i]
		w.element()
		w.open('{')
		w.key("label").string(s.Label)
		w.key("arm").string(string(s.Arm))
		w.key("x").floats(s.X)
		if len(s.XLo) > 0 {
			w.key("x_lo").floats(s.XLo)
			w.key("x_hi").floats(s.XHi)
		}
		w.key("y").floats(s.Y)
		w.key("lo").floats(s.Lo)
		w.key("hi").floats(s.Hi)
		w.key("confidence").float(s.Confidence)
		w.key("n").int(s.N)
		w.close('}')
	}
	w.close(']')
}

// encode leaves out what has its default, so that a file without categories
// and logarithms shows none.
func (a *Axis) encode(w *jsonWriter) {
	w.raw(`{"label": `).string(a.Label)
	w.raw(`, "unit": `).string(a.Unit)
	if a.Scale == Log {
		w.raw(`, "scale": `).string(string(a.Scale))
	}
	if len(a.Categories) > 0 {
		w.raw(`, "categories": [`)
		for i, c := range a.Categories {
			if i > 0 {
				w.raw(", ")
			}
			w.string(c)
		}
		w.raw("]")
	}
	if len(a.Guides) > 0 {
		w.raw(`, "guides": [`)
		for i, g := range a.Guides {
			if i > 0 {
				w.raw(", ")
			}
			w.raw(`{"value": `).float(g.Value)
			w.raw(`, "label": `).string(g.Label)
			w.raw("}")
		}
		w.raw("]")
	}
	w.raw("}")
}

// jsonWriter lays JSON out with two spaces a level. Callers open, name and
// close in the right order; nothing else checks it.
type jsonWriter struct {
	buf   []byte
	depth int
	fresh bool // the innermost container is still empty
}

func (w *jsonWriter) open(bracket byte) {
	w.buf = append(w.buf, bracket)
	w.depth++
	w.fresh = true
}

func (w *jsonWriter) close(bracket byte) {
	w.depth--
	if !w.fresh {
		w.newline()
	}
	w.buf = append(w.buf, bracket)
	w.fresh = false
}

func (w *jsonWriter) newline() {
	w.buf = append(w.buf, '\n')
	w.buf = append(w.buf, slices.Repeat([]byte("  "), w.depth)...)
}

// element starts the next element of a list.
func (w *jsonWriter) element() {
	if !w.fresh {
		w.buf = append(w.buf, ',')
	}
	w.fresh = false
	w.newline()
}

// key starts the next member of an object.
func (w *jsonWriter) key(name string) *jsonWriter {
	w.element()
	w.buf = appendString(w.buf, name)
	w.buf = append(w.buf, ": "...)
	return w
}

func (w *jsonWriter) raw(s string) *jsonWriter {
	w.buf = append(w.buf, s...)
	return w
}

func (w *jsonWriter) string(s string) { w.buf = appendString(w.buf, s) }
func (w *jsonWriter) int(n int)       { w.buf = strconv.AppendInt(w.buf, int64(n), 10) }
func (w *jsonWriter) float(f float64) { w.buf = append(w.buf, formatFloat(f)...) }

func (w *jsonWriter) strings(list []string) {
	w.open('[')
	for _, s := range list {
		w.element()
		w.string(s)
	}
	w.close(']')
}

// floats writes a list on one line: a curve of a thousand points would
// otherwise be a file of a thousand lines.
func (w *jsonWriter) floats(list []float64) {
	w.raw("[")
	for i, f := range list {
		if i > 0 {
			w.raw(", ")
		}
		w.float(f)
	}
	w.raw("]")
}

func (w *jsonWriter) ints(list []int) {
	w.raw("[")
	for i, n := range list {
		if i > 0 {
			w.raw(", ")
		}
		w.int(n)
	}
	w.raw("]")
}

func (w *jsonWriter) end() []byte { return append(w.buf, '\n') }
