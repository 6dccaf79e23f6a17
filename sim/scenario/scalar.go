package scenario

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"multihome.i2p/sim"
)

// maxText is the longest text of a key, in characters.
const maxText = 1000

// wholeNumber and number are the spellings taken: decimal, since readers of a
// scenario disagree on what 010 and 1_000 mean.
var (
	wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	number      = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// decodeScalar reads one scalar node as a value of key s.
func decodeScalar(n *yaml.Node, s *spec, path string) (*value, *Error) {
	v := &value{spec: s, pos: at(n), shape: scalarShape}
	x, err := scalarOf(n, s, path)
	if err != nil {
		return nil, err
	}
	v.scalar = x
	if err := bounds(v, path); err != nil {
		return nil, err
	}
	return v, nil
}

func scalarOf(n *yaml.Node, s *spec, path string) (any, *Error) {
	wrong := func(mend string) *Error {
		return at(n).fault(path, mend, "%s wants %s, not %s", path, wants(s), describe(n))
	}
	if n.Kind != yaml.ScalarNode {
		return nil, wrong("")
	}
	tag := n.ShortTag()
	isText := tag == "!!str"
	if isText && s.Type != String && slices.Contains(s.Words, n.Value) {
		return n.Value, nil
	}
	unquote := ""
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		unquote = "take the quotes away"
	}
	switch s.Type {
	case Int:
		// YAML takes a whole number that is too large for a float.
		if (tag == "!!int" || tag == "!!float") && wholeNumber.MatchString(n.Value) {
			if x, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
				return x, nil
			}
			return nil, at(n).fault(path, allowed(s), "%s cannot be as large as %s", path, n.Value)
		}
	case Float, FloatList:
		if (tag == "!!int" || tag == "!!float") && number.MatchString(n.Value) {
			x, err := strconv.ParseFloat(n.Value, 64)
			if err == nil && !math.IsInf(x, 0) && !math.IsNaN(x) {
				return x + 0, nil // -0 is 0
			}
			return nil, at(n).fault(path, allowed(s), "%s cannot be as large as %s", path, n.Value)
		}
	case Bool:
		if tag == "!!bool" && (n.Value == "true" || n.Value == "false") {
			return n.Value == "true", nil
		}
	case Duration, DurationList:
		if tag == "!!int" || tag == "!!float" {
			mend := ""
			if n.Value == "0" {
				mend = allowed(s)
				if s.Min == "0s" {
					mend = "write 0s"
				}
			} else if number.MatchString(n.Value) {
				mend = fmt.Sprintf("write %ss, %sm, %sh or %sd", n.Value, n.Value, n.Value, n.Value)
			}
			return nil, at(n).fault(path, mend, "%s lacks a unit of time", path)
		}
		if isText && unquote == "" {
			if x, ok := parseDuration(n.Value); ok {
				return x, nil
			}
		}
	case Enum:
		if isText {
			mend := didYouMean(n.Value, s.Words)
			if mend == "" {
				mend = "choose " + either(simulatedWords(s))
			}
			return nil, at(n).fault(path, mend, "unknown %s %q", path, n.Value)
		}
	case String, NameList:
		if isText {
			return textOf(n, s, path)
		}
		if n.Value != "" {
			unquote = "put it in quotes"
		}
	}
	return nil, wrong(unquote)
}

// textOf checks text: it ends up in terminals, file names and reports.
func textOf(n *yaml.Node, s *spec, path string) (any, *Error) {
	if s.verbatim {
		if problem, mend := verbatim(n.Value); problem != "" {
			return nil, at(n).fault(path, mend, "%s %s", path, problem)
		}
		return n.Value, nil
	}
	text := strings.TrimSpace(n.Value)
	switch {
	case text == "" && s.required:
		return nil, at(n).fault(path, "write something", "%s is empty", path)
	case utf8.RuneCountInString(text) > maxText:
		return nil, at(n).fault(path, fmt.Sprintf("at most %d are taken", maxText), "%s has %d characters", path, utf8.RuneCountInString(text))
	}
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			return nil, at(n).fault(path, "take it out", "%s contains the control character %U", path, r)
		}
	}
	if !s.fold && strings.Contains(text, "\n") {
		return nil, at(n).fault(path, "write it on one line", "%s has several lines", path)
	}
	if isName(s) && text != "" && !namePattern.MatchString(text) {
		return nil, at(n).fault(path, "use lower-case letters, digits, '-' and '_'", "%s cannot be %q", path, text)
	}
	return text, nil
}

// namePattern is the spelling of names that become parts of metric names and
// file names.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// isName tells whether a key's text is a name.
func isName(s *spec) bool { return s.Type == NameList || s.name == "name" || s.name == "metric" }

// bounds checks a number against its key's bounds.
func bounds(v *value, path string) *Error {
	s := v.spec
	lo, hi := limits(s)
	low, high := false, false
	switch x := v.scalar.(type) {
	case int64:
		low, high = lo != nil && x < lo.(int64), hi != nil && x > hi.(int64)
	case float64:
		low, high = lo != nil && x < lo.(float64), hi != nil && x > hi.(float64)
	case sim.Time:
		low, high = lo != nil && x < lo.(sim.Time), hi != nil && x > hi.(sim.Time)
	}
	if low || high {
		return v.pos.fault(path, allowed(s), "%s cannot be %s", path, formatScalar(s, v.scalar))
	}
	return nil
}

// limits returns a key's bounds as scalars, nil for none.
func limits(s *spec) (lo, hi any) {
	parse := func(text string) any {
		if text == "" {
			return nil
		}
		switch s.Type {
		case Int:
			x, _ := strconv.ParseInt(text, 10, 64)
			return x
		case Float, FloatList:
			x, _ := strconv.ParseFloat(text, 64)
			return x
		}
		x, _ := parseDuration(text)
		return x
	}
	return parse(s.Min), parse(s.Max)
}

// wants says in words what a key takes.
func wants(s *spec) string {
	var kind string
	switch s.Type {
	case Int:
		kind = "a whole number"
	case Float:
		kind = "a number"
	case Bool:
		kind = "true or false"
	case Duration:
		kind = "a duration such as 90s, 10m or 24h"
	case FloatList:
		kind = "a list of numbers"
	case DurationList:
		kind = "a list of durations such as [1h, 24h]"
	case Enum:
		kind = either(simulatedWords(s))
	case String:
		kind = "text"
	case NameList:
		kind = "a list of names"
	case Map:
		kind = "a map"
	case List:
		kind = "a list of maps"
	case MapOrList:
		kind = "a map or a list of maps"
	case Grid:
		kind = "a map from dotted paths to lists of values"
	case Settings:
		kind = "a map from dotted paths to values"
	}
	if s.Type != Enum && len(s.Words) > 0 {
		kind += " or " + either(s.Words)
	}
	if s.short != "" {
		kind = "a name or " + kind
	}
	if s.isChoice() {
		var names []string
		for _, c := range s.children {
			names = append(names, "{"+c.name+": …}")
		}
		kind += " or " + either(names)
	}
	return kind
}

// allowed says which values of a key are possible.
func allowed(s *spec) string {
	var text string
	switch {
	case s.Min != "" && s.Max != "":
		text = "it goes from " + s.Min + " to " + s.Max
	case s.Min != "":
		text = "it is at least " + s.Min
	case s.Max != "":
		text = "it is at most " + s.Max
	default:
		return ""
	}
	if len(s.Words) > 0 {
		text += ", or is " + either(s.Words)
	}
	return text
}

// either lists alternatives: a, b or c.
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// describe says what a node is, in the words of its writer.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	text := n.Value
	if r := []rune(text); len(r) > 40 {
		text = string(r[:40]) + "…"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!str":
		return "the text " + strconv.Quote(text)
	case "!!int", "!!float":
		return "the number " + text
	}
	return strconv.Quote(text)
}

// formatScalar writes a scalar as a scenario would.
func formatScalar(s *spec, x any) string {
	switch x := x.(type) {
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return formatFloat(x)
	case bool:
		return strconv.FormatBool(x)
	case sim.Time:
		return formatDuration(x)
	case string:
		if s != nil && s.Type == String {
			// JSON's strings are YAML's, and escape all that YAML would.
			var b strings.Builder
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(x); err != nil {
				panic(err) // a string always encodes
			}
			return strings.TrimSuffix(b.String(), "\n")
		}
		return x
	}
	return ""
}

// formatFloat writes a number in the shortest spelling that the parser takes
// and reads back as the same number.
func formatFloat(x float64) string {
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e15) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}
