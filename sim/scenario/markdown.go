package scenario

import (
	"fmt"
	"strings"
)

// Markdown returns the documentation of all keys as a table.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| key | type | default | range | meaning | source of the default |\n|---|---|---|---|---|---|\n")
	for _, k := range Keys() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", k.Path, k.Type, markdownDefault(k), markdownRange(k), cell(k.Doc), cell(k.Source))
	}
	return b.String()
}

func markdownDefault(k Key) string {
	if k.Default == "" {
		return "(required)"
	}
	return "`" + k.Default + "`"
}

func markdownRange(k Key) string {
	var parts []string
	if k.Min != "" || k.Max != "" {
		parts = append(parts, k.Min+" … "+k.Max)
	}
	if len(k.Words) > 0 {
		parts = append(parts, "`"+strings.Join(k.Words, "`, `")+"`")
	}
	if k.Unit != "" {
		parts = append(parts, k.Unit)
	}
	return strings.Join(parts, "; ")
}

// cell escapes text for a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
