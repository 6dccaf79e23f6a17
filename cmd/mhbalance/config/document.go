package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"multihome.i2p/internal/argv"
)

// Bounds of a configuration, far above any written by hand.
const (
	maxSize = 1 << 20
	maxText = 1000
)

// reader reads nodes and collects what is wrong with them.
type reader struct {
	file string
	errs Errors
}

func (r *reader) fault(at position, mend, format string, args ...any) {
	r.errs = append(r.errs, &Error{File: r.file, Line: max(at.line, 1), Column: max(at.column, 1), Msg: fmt.Sprintf(format, args...), Mend: mend})
}

func where(n *yaml.Node) position { return position{n.Line, n.Column} }

// document returns the root of data as one plain YAML document, nil if it is
// none.
func (r *reader) document(data []byte) *yaml.Node {
	const begin = "begin with routers: and destinations:, or let mhbalance init write the file"
	if len(data) > maxSize {
		r.fault(position{}, "a configuration is at most 1 MiB", "the file has %d bytes", len(data))
		return nil
	}
	if at, bad := invalidUTF8(data); bad {
		r.fault(at, "save the file as UTF-8", "this is not UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.fault(position{}, begin, "the file is empty")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		r.fault(where(&second), "write one document", "a second YAML document begins here")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(err)
		return nil
	}
	root := doc.Content[0]
	if !r.plain(root) {
		return nil
	}
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		r.fault(where(root), begin, "the file is empty")
		return nil
	}
	return root
}

// plain refuses the parts of YAML that a reader would have to resolve in his
// head, and that let a small file stand for a huge one.
func (r *reader) plain(n *yaml.Node) bool {
	const mend = "write the value out"
	switch {
	case n.Kind == yaml.AliasNode:
		r.fault(where(n), mend, "aliases (*%s) are not taken", n.Value)
		return false
	case n.Anchor != "":
		r.fault(where(n), mend, "anchors (&%s) are not taken", n.Anchor)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.fault(where(n), mend, "tags (%s) are not taken", n.ShortTag())
		return false
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		r.fault(where(n), mend, "merge keys (<<) are not taken")
		return false
	}
	for _, c := range n.Content {
		if !r.plain(c) {
			return false
		}
	}
	return true
}

// yamlError is how the YAML library words its errors.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntax tells the YAML library's error, which knows lines only.
func (r *reader) syntax(err error) {
	at, msg := position{line: 1, column: 1}, err.Error()
	if m := yamlError.FindStringSubmatch(msg); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
			at.line = n
		}
		msg = m[2]
	}
	r.fault(at, "see about this line for a wrong indent, quote or bracket", "not YAML: %s", strings.Join(strings.Fields(msg), " "))
}

// invalidUTF8 returns the position of the first byte that is not UTF-8.
func invalidUTF8(data []byte) (position, bool) {
	if utf8.Valid(data) {
		return position{}, false
	}
	at := position{1, 1}
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size <= 1 {
			break
		}
		at.column++
		if c == '\n' {
			at = position{at.line + 1, 1}
		}
		data = data[size:]
	}
	return at, true
}

// field is a key of a map with its value.
type field struct {
	at   position // of the key
	node *yaml.Node
}

// fields returns what a map holds by key. what names the map in errors, keys are
// those that it may have. ok is false where it is no map at all.
func (r *reader) fields(n *yaml.Node, what string, keys ...string) (fields map[string]field, ok bool) {
	if n.Kind != yaml.MappingNode {
		r.fault(where(n), "write keys: "+strings.Join(keys, ", "), "%s wants a map, not %s", what, describe(n))
		return nil, false
	}
	fields = map[string]field{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null" {
			r.fault(where(key), "write a name", "%s has %s for a key", what, describe(key))
			continue
		}
		if _, twice := fields[key.Value]; twice {
			r.fault(where(key), "write it once", "%s names %s twice", what, key.Value)
			continue
		}
		if !slices.Contains(keys, key.Value) {
			mend := argv.DidYouMean(key.Value, keys)
			if mend == "" {
				mend = "the keys here are " + strings.Join(keys, ", ")
			}
			r.fault(where(key), mend, "unknown key %q in %s", shorten(key.Value), what)
			continue
		}
		fields[key.Value] = field{where(key), node}
	}
	return fields, true
}

// entries returns the entries of a list.
func (r *reader) entries(f field, what string, most int) []*yaml.Node {
	switch {
	case f.node.Kind != yaml.SequenceNode:
		r.fault(where(f.node), "begin each entry with a dash", "%s wants a list, not %s", what, describe(f.node))
		return nil
	case len(f.node.Content) == 0:
		r.fault(f.at, "add one", "%s is empty", what)
	case len(f.node.Content) > most:
		r.fault(f.at, fmt.Sprintf("at most %d are taken", most), "%s has %d entries", what, len(f.node.Content))
		return nil
	}
	return f.node.Content
}

// text reads text; "" means that it was wrong, or not there.
func (r *reader) text(f field, what string) string {
	n := f.node
	switch {
	case n == nil:
		return ""
	case n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		r.fault(where(n), "write text, in quotes if it begins with a bracket", "%s wants text, not %s", what, describe(n))
		return ""
	case n.ShortTag() != "!!str":
		r.fault(where(n), "put it in quotes", "%s wants text, not %s", what, describe(n))
		return ""
	case n.Value == "":
		r.fault(where(n), "write something, or take the key away", "%s is empty", what)
		return ""
	case len(n.Value) > maxText:
		r.fault(where(n), fmt.Sprintf("at most %d are taken", maxText), "%s has %d bytes", what, len(n.Value))
		return ""
	}
	for _, c := range n.Value {
		if !unicode.IsPrint(c) {
			r.fault(where(n), "take it out", "%s contains the control character %U", what, c)
			return ""
		}
	}
	return n.Value
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// whole reads a whole number from 1 to hi; def where there is none.
func (r *reader) whole(f field, what string, def, hi int) int {
	n := f.node
	if n == nil {
		return def
	}
	allowed := fmt.Sprintf("write a number from 1 to %d", hi)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" && n.ShortTag() != "!!float" || !wholeNumber.MatchString(n.Value) {
		got := describe(n)
		if got == "a number" {
			got = n.Value
		}
		r.fault(where(n), allowed, "%s wants a whole number, not %s", what, got)
		return def
	}
	x, err := strconv.Atoi(n.Value)
	if err != nil || x < 1 || x > hi {
		r.fault(where(n), allowed, "%s cannot be %s", what, n.Value)
		return def
	}
	return x
}

// boolean reads true or false; false where there is none.
func (r *reader) boolean(f field, what string) bool {
	n := f.node
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Value != "true" && n.Value != "false" {
		r.fault(where(n), "write true or false", "%s wants true or false, not %s", what, describe(n))
		return false
	}
	return n.Value == "true"
}

// word reads one of a few words; the first where there is none.
func (r *reader) word(f field, what string, words ...string) string {
	if f.node == nil {
		return words[0]
	}
	text := r.text(f, what)
	if text == "" || slices.Contains(words, text) {
		return text
	}
	mend := argv.DidYouMean(text, words)
	if mend == "" {
		mend = "choose " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	}
	r.fault(where(f.node), mend, "unknown %s %q", what, shorten(text))
	return words[0]
}

// describe says what a node is, without its value where that may be a secret.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!str":
		return "text"
	}
	return "a " + strings.TrimLeft(n.ShortTag(), "!")
}

func shorten(text string) string {
	if r := []rune(text); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return text
}
