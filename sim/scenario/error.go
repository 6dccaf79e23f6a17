package scenario

import "fmt"

// Error is the one thing that is wrong with a scenario, at the place where it
// stands.
type Error struct {
	// File is the name given to Parse, or the flag that carried the value.
	File string
	// Line and Column count from 1; both are 0 for a flag.
	Line, Column int
	// Path is the key that the error is about, "" for the whole file.
	Path string
	// Msg says what is wrong, Mend how to put it right ("" where Msg says it).
	Msg, Mend string
}

// Error returns "file:line:column: message; mend".
func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", s, e.Line, e.Column)
	}
	s += ": " + e.Msg
	if e.Mend != "" {
		s += "; " + e.Mend
	}
	return s
}

// position is where a value was written; the zero position is nowhere: the
// value is a default.
type position struct {
	line, column int
	flag         string // the command line's flag, "" for the file
}

func (p position) known() bool { return p.line > 0 || p.flag != "" }

// fault makes the error at p. Without a known position it points at the start
// of the file.
func (p position) fault(path, mend, format string, args ...any) *Error {
	e := &Error{
		File: p.flag, Line: p.line, Column: p.column, Path: path,
		Msg: fmt.Sprintf(format, args...), Mend: mend,
	}
	if !p.known() {
		e.Line, e.Column = 1, 1
	}
	return e
}

// firstKnown returns the first position that somebody wrote.
func firstKnown(ps ...position) position {
	for _, p := range ps {
		if p.known() {
			return p
		}
	}
	return position{}
}
