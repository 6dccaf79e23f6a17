package trace

import (
	"strconv"
	"strings"
)

// An Error says what is wrong with a trace, where, and what mends it.
type Error struct {
	File    string // name given to the reader; empty where there is none
	Line    int    // 1-based; 0 if not known
	Column  int    // 1-based, in bytes; 0 if not known
	Field   string // key of the field; empty if the line as a whole is meant
	Problem string
	Mend    string // what the user can do
	Err     error  // the cause below, of the reader or the decompressor; may be nil
}

// Error returns "file:line:column: field: problem; mend".
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		b.WriteByte(':')
	}
	if e.Line > 0 {
		if e.File == "" {
			b.WriteString("line ")
		}
		b.WriteString(strconv.Itoa(e.Line))
		b.WriteByte(':')
		if e.Column > 0 {
			b.WriteString(strconv.Itoa(e.Column))
			b.WriteByte(':')
		}
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if e.Field != "" {
		b.WriteString(e.Field)
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	if e.Mend != "" {
		b.WriteString("; ")
		b.WriteString(e.Mend)
	}
	return b.String()
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// quote quotes text for a message and keeps it short: an error about a line of
// 64 kB must not repeat the line.
func quote(text string) string {
	const most = 40
	if len(text) > most {
		return strconv.Quote(text[:most]) + "…"
	}
	return strconv.Quote(text)
}
