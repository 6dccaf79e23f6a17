package starlark

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Error is the one thing that is wrong with a policy's file.
type Error struct {
	File         string
	Line, Column int    // from 1
	Msg, Mend    string // what is wrong, and how to put it right ("" where Msg says it)
}

// Error returns "file:line:column: message; mend".
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
	if e.Mend != "" {
		s += "; " + e.Mend
	}
	return s
}

func fault(file string, pos syntax.Position, mend, format string, args ...any) *Error {
	return &Error{
		File: file, Line: max(1, int(pos.Line)), Column: max(1, int(pos.Col)),
		Msg: oneLine(fmt.Sprintf(format, args...)), Mend: mend,
	}
}

// loadError is an error of the parser, the resolver or the interpreter as an
// *Error.
func loadError(file string, err error) *Error {
	var wrong syntax.Error
	var list resolve.ErrorList
	var eval *starlark.EvalError
	switch {
	case errors.As(err, &wrong):
		return fault(file, wrong.Pos, "", "%s", wrong.Msg)
	case errors.As(err, &list) && len(list) > 0:
		return fault(file, list[0].Pos, "", "%s", list[0].Msg)
	case errors.As(err, &eval):
		return fault(file, innermost(eval, syntax.Position{}), stepMend(eval.Msg), "%s", eval.Msg)
	}
	return fault(file, syntax.Position{}, "", "%v", err)
}

// callError is what went wrong in a call of a function.
func callError(file string, fn *starlark.Function, err error) *Error {
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		return fault(file, innermost(eval, fn.Position()), stepMend(eval.Msg), "%s: %s", fn.Name(), eval.Msg)
	}
	return fault(file, fn.Position(), "", "%s: %v", fn.Name(), err)
}

// innermost is the place in the file where an error came up.
func innermost(err *starlark.EvalError, or syntax.Position) syntax.Position {
	for i := len(err.CallStack) - 1; i >= 0; i-- {
		if pos := err.CallStack[i].Pos; pos.Line > 0 {
			return pos
		}
	}
	return or
}

// tooLong is what the interpreter says of a call that has no steps left.
const tooLong = "too many steps"

func stepMend(msg string) string {
	if strings.Contains(msg, tooLong) {
		return fmt.Sprintf("a call may take %d steps", MaxSteps)
	}
	return ""
}

// oneLine keeps an error on one line, and in a terminal harmless.
func oneLine(text string) string {
	const most = 300
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return ' '
		}
		return r
	}, strings.Join(strings.Fields(text), " "))
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}

// a names the type of a value, with its article.
func a(x starlark.Value) string {
	kind := x.Type()
	switch {
	case x == starlark.None:
		return "None"
	case strings.ContainsAny(kind[:1], "aeiou"):
		return "an " + kind
	}
	return "a " + kind
}
