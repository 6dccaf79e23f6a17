package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A FileError says what is wrong with a result file, where, and what to do.
type FileError struct {
	File         string
	Line, Column int    // 1-based; 0 when the fault has no single place
	Path         string // such as cells[0].metrics.availability.lo
	Problem      string
	Mend         string
}

// Error is file:line:column: path: problem; mend.
func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Problem)
	if e.Mend != "" {
		b.WriteString("; " + e.Mend)
	}
	return b.String()
}

const mendTruncated = "the file was not written to its end: copy it again, or remove it and run mhsim again with --resume"

// ParseSummary reads a summary.json. The file name only serves error messages,
// which are *FileError.
func ParseSummary(file string, data []byte) (*Summary, error) {
	w, root := openFile(file, data, SummaryFormat, SummaryVersion)
	f := w.object(root, []string{"format", "version", "scenario", "seed", "trials", "commit", "cells"}, nil)
	s := &Summary{
		Scenario: w.string(f["scenario"]),
		Seed:     w.uint(f["seed"]),
		Trials:   w.int(f["trials"]),
		Commit:   w.string(f["commit"]),
	}
	for _, n := range w.list(f["cells"]) {
		s.Cells = append(s.Cells, w.cell(n))
	}
	w.check(s.Validate)
	if w.err != nil {
		return nil, w.err
	}
	return s, nil
}

func (w *walker) cell(n *node) Cell {
	f := w.object(n, []string{"arm", "params", "metrics", "warnings"}, nil)
	c := Cell{Arm: Arm(w.string(f["arm"]))}
	for i, kid := range w.members(f["params"]) {
		c.Params = append(c.Params, Param{f["params"].keys[i], w.scalar(kid)})
	}
	for _, kid := range w.list(f["warnings"]) {
		c.Warn(w.string(kid))
	}
	for i, kid := range w.members(f["metrics"]) {
		c.Set(f["metrics"].keys[i], w.metric(kid))
	}
	return c
}

func (w *walker) metric(n *node) Metric {
	f := w.object(n, []string{"center", "lo", "hi", "confidence", "n", "unit"}, []string{"expected"})
	m := Metric{
		Center:     w.maybeFloat(f["center"]),
		Lo:         w.maybeFloat(f["lo"]),
		Hi:         w.maybeFloat(f["hi"]),
		Confidence: w.float(f["confidence"]),
		N:          w.int(f["n"]),
		Unit:       w.string(f["unit"]),
	}
	if e := f["expected"]; e != nil {
		v := w.float(e)
		m.Expected = &v
	}
	return m
}

// ParseFigures reads a figures.json. The file name only serves error messages,
// which are *FileError.
func ParseFigures(file string, data []byte) (*Figures, error) {
	w, root := openFile(file, data, FiguresFormat, FiguresVersion)
	f := w.object(root, []string{"format", "version", "text", "figures"}, nil)
	fs := &Figures{Text: w.text(f["text"])}
	for _, n := range w.list(f["figures"]) {
		fs.Figures = append(fs.Figures, w.figure(n))
	}
	w.check(fs.Validate)
	if w.err != nil {
		return nil, w.err
	}
	return fs, nil
}

func (w *walker) text(n *node) Text {
	f := w.object(n, []string{"title", "question", "answer", "answer_detail", "command", "assumptions", "limits", "warnings"}, []string{"table"})
	t := Text{
		Title:        w.string(f["title"]),
		Question:     w.string(f["question"]),
		Answer:       w.string(f["answer"]),
		AnswerDetail: w.string(f["answer_detail"]),
		Command:      w.string(f["command"]),
		Limits:       w.strings(f["limits"]),
		Warnings:     w.strings(f["warnings"]),
	}
	if kid := f["table"]; kid != nil {
		t.Table = w.table(kid)
	}
	for _, kid := range w.list(f["assumptions"]) {
		a := w.object(kid, []string{"text", "source", "key", "value"}, nil)
		t.Assumptions = append(t.Assumptions, Assumption{
			Text: w.string(a["text"]), Source: w.string(a["source"]),
			Key: w.string(a["key"]), Value: w.string(a["value"]),
		})
	}
	return t
}

func (w *walker) figure(n *node) Figure {
	f := w.object(n, []string{"id", "title", "kind", "x", "y", "series", "note"}, []string{"panels"})
	fig := Figure{
		ID:    w.string(f["id"]),
		Title: w.string(f["title"]),
		Kind:  Kind(w.string(f["kind"])),
		X:     w.axis(f["x"]),
		Y:     w.axis(f["y"]),
		Note:  w.string(f["note"]),
	}
	fig.Series = w.series(f["series"])
	for _, kid := range w.list(f["panels"]) {
		p := w.object(kid, []string{"x", "better", "series", "frontier"}, nil)
		panel := Panel{X: w.axis(p["x"]), Better: Direction(w.string(p["better"])), Series: w.series(p["series"])}
		for _, k := range w.list(p["frontier"]) {
			panel.Frontier = append(panel.Frontier, w.int(k))
		}
		fig.Panels = append(fig.Panels, panel)
	}
	return fig
}

func (w *walker) series(n *node) []Series {
	var list []Series
	for _, kid := range w.list(n) {
		s := w.object(kid, []string{"label", "arm", "x", "y", "lo", "hi", "confidence", "n"}, []string{"x_lo", "x_hi"})
		one := Series{
			Label: w.string(s["label"]), Arm: Arm(w.string(s["arm"])),
			X: w.floats(s["x"], false), Y: w.floats(s["y"], true),
			Lo: w.floats(s["lo"], true), Hi: w.floats(s["hi"], true),
			Confidence: w.float(s["confidence"]), N: w.int(s["n"]),
		}
		if s["x_lo"] != nil || s["x_hi"] != nil {
			one.XLo, one.XHi = w.floats(s["x_lo"], true), w.floats(s["x_hi"], true)
		}
		list = append(list, one)
	}
	return list
}

func (w *walker) axis(n *node) Axis {
	f := w.object(n, []string{"label", "unit"}, []string{"scale", "categories", "guides"})
	a := Axis{Label: w.string(f["label"]), Unit: w.string(f["unit"])}
	if f["scale"] != nil {
		a.Scale = Scale(w.string(f["scale"]))
	}
	if a.Scale == Linear {
		a.Scale = "" // the default has one spelling in memory and in the file
	}
	if f["categories"] != nil {
		a.Categories = w.strings(f["categories"])
	}
	for _, kid := range w.list(f["guides"]) {
		g := w.object(kid, []string{"value", "label"}, nil)
		a.Guides = append(a.Guides, Guide{Value: w.float(g["value"]), Label: w.string(g["label"])})
	}
	return a
}

// A node is a JSON value with its place in the file.
type node struct {
	path string
	off  int
	kind byte   // '{', '[', 's'tring, 'n'umber, 'b'ool or '0' for null
	text string // a string's value, a number's or bool's spelling
	keys []string
	kids []*node
}

// kindName says in an error message what a node is.
func (n *node) kindName() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 's':
		return "the string " + strconv.Quote(n.text)
	case '0':
		return "null"
	}
	return n.text
}

// A walker takes a parsed file apart. It keeps the first error; after one,
// every call returns zero values.
type walker struct {
	file string
	data []byte
	err  error
}

// fail records an error at byte off, unless there is one already.
func (w *walker) fail(off int, path, problem, mend string) {
	if w.err != nil {
		return
	}
	before := w.data[:min(max(off, 0), len(w.data))]
	w.err = &FileError{
		File:    w.file,
		Line:    bytes.Count(before, []byte{'\n'}) + 1,
		Column:  len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1,
		Path:    path,
		Problem: problem,
		Mend:    mend,
	}
}

// check runs a validation over the whole value, if it could be read at all.
func (w *walker) check(validate func() error) {
	if w.err != nil {
		return
	}
	if err := validate(); err != nil {
		w.err = &FileError{File: w.file, Problem: err.Error()}
	}
}

// openFile parses data and checks what it calls itself before anything else: a
// file of another format or version should not be told of its unknown keys.
func openFile(file string, data []byte, format string, version int) (*walker, *node) {
	w := &walker{file: file, data: data}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	root := w.value(dec, "")
	if w.err == nil {
		if _, err := dec.Token(); err != io.EOF {
			w.fail(w.skip(int(dec.InputOffset())), "", "text after the end of the JSON value", "remove it")
		}
	}
	if w.err != nil {
		return w, nil
	}
	if root.kind != '{' {
		w.fail(root.off, "", "want an object, got "+root.kindName(), "this is not a "+format+" file")
		return w, nil
	}
	f, v := root.member("format"), root.member("version")
	switch {
	case f == nil || f.kind != 's':
		w.fail(root.off, "format", "missing", fmt.Sprintf("a file of this kind opens with \"format\": %q", format))
	case f.text != format:
		w.fail(f.off, "format", fmt.Sprintf("is %q, not %q", f.text, format), "give the right file")
	case v == nil:
		w.fail(root.off, "version", "missing", fmt.Sprintf("this program reads version %d", version))
	case v.kind != 'n' || v.text != strconv.Itoa(version):
		w.fail(v.off, "version", fmt.Sprintf("is %s; this program reads version %d", v.kindName(), version),
			"use the program that wrote the file, or run the scenario again")
	}
	return w, root
}

func (n *node) member(key string) *node {
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.kids[i]
	}
	return nil
}

// skip returns the offset of the next token at or after off.
func (w *walker) skip(off int) int {
	for off < len(w.data) && strings.IndexByte(" \t\r\n,:", w.data[off]) >= 0 {
		off++
	}
	return off
}

// token reads the next token and its offset; nil after an error.
func (w *walker) token(dec *json.Decoder, path string) (json.Token, int) {
	off := w.skip(int(dec.InputOffset()))
	t, err := dec.Token()
	if err == nil {
		return t, off
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		w.fail(len(w.data), path, "the file ends in the middle of a value", mendTruncated)
	case errors.As(err, &syntax):
		w.fail(int(syntax.Offset)-1, path, "not JSON: "+syntax.Error(), "mend the file, or remove it and run mhsim again with --resume")
	default:
		w.fail(off, path, "not JSON: "+err.Error(), "mend the file, or remove it and run mhsim again with --resume")
	}
	return nil, off
}

// value reads one value and all below it; nil after an error.
func (w *walker) value(dec *json.Decoder, path string) *node {
	t, off := w.token(dec, path)
	if w.err != nil {
		return nil
	}
	n := &node{path: path, off: off}
	switch t := t.(type) {
	case nil:
		n.kind = '0'
	case string:
		n.kind, n.text = 's', t
	case json.Number:
		n.kind, n.text = 'n', t.String()
	case bool:
		n.kind, n.text = 'b', strconv.FormatBool(t)
	case json.Delim:
		n.kind = byte(t)
		for dec.More() && w.err == nil {
			at := fmt.Sprintf("%s[%d]", path, len(n.kids))
			if t == '{' {
				key, off := w.token(dec, path)
				name, _ := key.(string)
				at = strings.TrimPrefix(path+"."+name, ".")
				if slices.Contains(n.keys, name) {
					w.fail(off, at, "given twice", "keep one of them")
				}
				n.keys = append(n.keys, name)
			}
			if w.err == nil {
				n.kids = append(n.kids, w.value(dec, at))
			}
		}
		if w.err == nil {
			w.token(dec, path) // the closing bracket
		}
	}
	return n
}

// object returns the members of n by key. Every required key must be there,
// and no key that is neither required nor optional.
func (w *walker) object(n *node, required, optional []string) map[string]*node {
	kids := w.members(n)
	if w.err != nil {
		return nil
	}
	m := make(map[string]*node, len(kids))
	for i, key := range n.keys {
		if !slices.Contains(required, key) && !slices.Contains(optional, key) {
			w.fail(kids[i].off, kids[i].path, "unknown key", "known here: "+strings.Join(slices.Concat(required, optional), ", "))
			return nil
		}
		m[key] = kids[i]
	}
	for _, key := range required {
		if m[key] == nil {
			w.fail(n.off, strings.TrimPrefix(n.path+"."+key, "."), "missing", "add it, or render the file again")
			return nil
		}
	}
	return m
}

// members returns the values of an object of free keys.
func (w *walker) members(n *node) []*node {
	if w.want(n, '{', "an object") {
		return n.kids
	}
	return nil
}

func (w *walker) list(n *node) []*node {
	if w.want(n, '[', "a list") {
		return n.kids
	}
	return nil
}

// want reports whether n may be read as the kind, and records an error if not.
func (w *walker) want(n *node, kind byte, what string) bool {
	if w.err != nil || n == nil {
		return false
	}
	if n.kind != kind {
		w.fail(n.off, n.path, "want "+what+", got "+n.kindName(), "")
		return false
	}
	return true
}

func (w *walker) string(n *node) string {
	if w.want(n, 's', "a string") {
		return n.text
	}
	return ""
}

func (w *walker) strings(n *node) []string {
	var out []string
	for _, kid := range w.list(n) {
		out = append(out, w.string(kid))
	}
	return out
}

func (w *walker) float(n *node) float64 {
	if !w.want(n, 'n', "a number") {
		return 0
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil {
		w.fail(n.off, n.path, n.text+" does not fit a 64-bit float", "")
		return 0
	}
	return normalFloat(f)
}

// maybeFloat reads a number that may be undefined.
func (w *walker) maybeFloat(n *node) float64 {
	if n != nil && n.kind == '0' {
		return undefined
	}
	if n != nil && n.kind != 'n' {
		w.fail(n.off, n.path, "want a number or null, got "+n.kindName(), "write an undefined number as null")
	}
	return w.float(n)
}

func (w *walker) floats(n *node, mayBeUndefined bool) []float64 {
	var out []float64
	for _, kid := range w.list(n) {
		if mayBeUndefined {
			out = append(out, w.maybeFloat(kid))
		} else {
			out = append(out, w.float(kid))
		}
	}
	return out
}

func (w *walker) int(n *node) int {
	if !w.want(n, 'n', "a whole number") {
		return 0
	}
	i, err := strconv.Atoi(n.text)
	if err != nil || i < 0 {
		w.fail(n.off, n.path, "want a whole number from 0, got "+n.text, "")
		return 0
	}
	return i
}

func (w *walker) uint(n *node) uint64 {
	if !w.want(n, 'n', "a whole number") {
		return 0
	}
	u, err := strconv.ParseUint(n.text, 10, 64)
	if err != nil {
		w.fail(n.off, n.path, "want a whole number from 0 to 2^64-1, got "+n.text, "")
	}
	return u
}

func (w *walker) scalar(n *node) Value {
	if w.err != nil || n == nil {
		return Value{}
	}
	switch n.kind {
	case 's':
		return String(n.text)
	case 'b':
		return Bool(n.text == "true")
	case 'n':
		return Number(w.float(n))
	}
	w.fail(n.off, n.path, "want a string, a number or a truth value, got "+n.kindName(), "")
	return Value{}
}
