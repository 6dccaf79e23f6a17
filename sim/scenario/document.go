package scenario

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxSize is the largest scenario file: hand-written text is far below it, and
// whatever is above it is a mistake.
const maxSize = 1 << 20

// document reads data as one plain YAML document and returns its root node.
func document(data []byte) (*yaml.Node, *Error) {
	if len(data) > maxSize {
		return nil, position{}.fault("", "a scenario is at most 1 MiB", "the file has %d bytes", len(data))
	}
	if at, bad := invalidUTF8(data); bad {
		return nil, at.fault("", "save the file as UTF-8", "this is not UTF-8")
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, position{}.fault("", "a scenario opens with its question", "the file is empty")
		}
		return nil, syntax(err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, at(&second).fault("", "write one file for each scenario", "a second YAML document begins here")
	case !errors.Is(err, io.EOF):
		return nil, syntax(err)
	}
	root := doc.Content[0]
	if err := plain(root); err != nil {
		return nil, err
	}
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, at(root).fault("", "a scenario opens with its question", "the file is empty")
	}
	return root, nil
}

// at is the node's position.
func at(n *yaml.Node) position {
	return position{line: max(n.Line, 1), column: max(n.Column, 1)}
}

// plain refuses the parts of YAML that a reader of a scenario would have to
// resolve in his head, and that let a small file stand for a huge one.
func plain(n *yaml.Node) *Error {
	const mend = "write the value out"
	switch {
	case n.Kind == yaml.AliasNode:
		return at(n).fault("", mend, "aliases (*%s) are not taken", n.Value)
	case n.Anchor != "":
		return at(n).fault("", mend, "anchors (&%s) are not taken", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		return at(n).fault("", mend, "tags (%s) are not taken", n.ShortTag())
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		return at(n).fault("", mend, "merge keys (<<) are not taken")
	}
	for _, c := range n.Content {
		if err := plain(c); err != nil {
			return err
		}
	}
	return nil
}

// yamlError is how the YAML library words its errors.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntax turns the YAML library's error, which knows lines only, into ours.
func syntax(err error) *Error {
	pos, msg := position{line: 1, column: 1}, err.Error()
	if m := yamlError.FindStringSubmatch(msg); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
			pos.line = n
		}
		msg = m[2]
	}
	msg = strings.Join(strings.Fields(msg), " ")
	return pos.fault("", "see about this line for a wrong indent, quote or bracket", "not YAML: %s", msg)
}

// invalidUTF8 returns the position of the first byte that is not UTF-8.
func invalidUTF8(data []byte) (position, bool) {
	if utf8.Valid(data) {
		return position{}, false
	}
	pos := position{line: 1, column: 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size <= 1 {
			break
		}
		pos.column++
		if r == '\n' {
			pos.line++
			pos.column = 1
		}
		data = data[size:]
	}
	return pos, true
}
