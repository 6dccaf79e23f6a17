package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Resolved returns the canonical form: YAML with every key of the table in the
// table's order, defaults included, but for those of entries that they do not count
// for. Only the reference keeps what it names and no more, since the rest follows
// the destination. Parse reads it back as the
// same scenario.
func (s *Scenario) Resolved() []byte {
	var b strings.Builder
	writeMap(&b, s.root, 0)
	return []byte(b.String())
}

// Digest is the SHA-256 of the canonical form in hexadecimal: the identity of
// a run. It does not depend on the file's name, comments or spelling.
func (s *Scenario) Digest() string {
	sum := sha256.Sum256(s.Resolved())
	return hex.EncodeToString(sum[:])
}

// writeMap writes the fields of v, each on lines of its own.
func writeMap(b *strings.Builder, v *value, indent int) {
	for _, s := range v.spec.children {
		field := v.fields[s.name]
		if field == nil || !v.takes(s) {
			continue
		}
		b.WriteString(strings.Repeat("  ", indent))
		b.WriteString(s.name)
		b.WriteByte(':')
		writeField(b, field, indent)
	}
}

func writeField(b *strings.Builder, v *value, indent int) {
	switch {
	case v.shape == mapShape && len(v.fields) == 0, v.shape == pairShape && len(v.pairs) == 0:
		b.WriteString(" {}\n")
	case v.shape == mapShape:
		b.WriteByte('\n')
		writeMap(b, v, indent+1)
	case v.shape == listShape && v.spec.isMap() && len(v.items) > 0:
		b.WriteByte('\n')
		for _, item := range v.items {
			// The first key stands behind the dash, the others below it.
			var entry strings.Builder
			writeMap(&entry, item, indent+2)
			pad := strings.Repeat("  ", indent+1)
			text := strings.TrimPrefix(entry.String(), pad+"  ")
			if text == "" {
				text = "{}\n"
			}
			b.WriteString(pad + "- " + text)
		}
	case v.shape == listShape:
		b.WriteString(" " + formatList(v.items) + "\n")
	case v.shape == pairShape:
		b.WriteByte('\n')
		for _, p := range v.pairs {
			text := formatList(p.values)
			if v.spec.Type == Settings {
				text = quoted(p.values[0])
			}
			b.WriteString(strings.Repeat("  ", indent+1) + p.path + ": " + text + "\n")
		}
	default:
		b.WriteString(" " + quoted(v) + "\n")
	}
}

func formatList(vs []*value) string {
	var texts []string
	for _, v := range vs {
		texts = append(texts, quoted(v))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// quoted writes a scalar so that YAML reads it back with its type.
func quoted(v *value) string {
	text := formatScalar(v.spec, v.scalar)
	if _, ok := v.scalar.(string); ok && v.spec.Type == NameList && !isWord(v) {
		return `"` + text + `"` // a name may look like a number
	}
	return text
}

func isWord(v *value) bool {
	for _, w := range v.spec.Words {
		if w == v.scalar {
			return true
		}
	}
	return false
}
