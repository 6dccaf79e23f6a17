package starlark

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xrash/smetrics"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// Bounds of a file.
const (
	// MaxSource is the longest file, in bytes.
	MaxSource = 64 << 10
	// MaxSteps is how many steps of the interpreter loading a file, or one call
	// of a function of it, may take: a few tens of milliseconds.
	MaxSteps = 1_000_000
	// maxRange is the longest range: lists are made of them.
	maxRange = 1 << 16
	// maxRepeat is the longest list or text that the operator * makes.
	maxRepeat = 1 << 20
	// maxState is how many values v.state may hold, those within others counted.
	maxState = 1 << 18
)

// callback numbers the functions that a file may define.
type callback int

const (
	onReset callback = iota
	onBuild
	onCandidates
	onCompose
	onPublishers
	onBundle
	onLost
	callbacks
)

// signatures are the functions that a file may define, with their parameters.
var signatures = [callbacks]struct {
	name, params string
	count        int
	needed       bool // without a base
}{
	onReset:      {"reset", "v", 1, false},
	onBuild:      {"build", "v, pool, direction", 3, true},
	onCandidates: {"candidates", "v, pool", 2, false},
	onCompose:    {"compose", "v, leases", 2, true},
	onPublishers: {"publishers", "v, leases", 2, true},
	onBundle:     {"bundle", "v, router", 2, true},
	onLost:       {"lost", "v, router", 2, true},
}

// defaultBase decides what a file leaves open that names no base.
const defaultBase = "per-router"

// Program is a policy's file, checked and loaded.
type Program struct {
	file, name, base string
	fns              [callbacks]*starlark.Function
}

// Load checks and loads a policy's file; file is what errors call it. The error
// is an *Error.
func Load(file string, source []byte) (*Program, error) {
	p, err := load(file, source)
	if err != nil {
		return nil, err // not a nil *Error in an interface
	}
	return p, nil
}

func load(file string, source []byte) (p *Program, wrong *Error) {
	defer func() {
		// A file must not bring a balancer down, whatever the interpreter makes of it.
		if r := recover(); r != nil {
			p, wrong = nil, fault(file, syntax.Position{}, "", "the interpreter gave up: %v", r)
		}
	}()
	if err := plainText(file, source); err != nil {
		return nil, err
	}
	options := &syntax.FileOptions{Set: true}
	tree, err := options.Parse(file, source, 0)
	if err != nil {
		return nil, loadError(file, err)
	}
	places, wrong := topLevel(file, tree)
	if wrong != nil {
		return nil, wrong
	}
	if wrong := boundRepeats(file, tree); wrong != nil {
		return nil, wrong
	}
	compiled, err := starlark.FileProgram(tree, predeclared.Has)
	if err != nil {
		return nil, loadError(file, err)
	}
	thread := newThread(file)
	globals, err := compiled.Init(thread, predeclared)
	if err != nil {
		return nil, loadError(file, err)
	}
	globals.Freeze()
	p = &Program{file: file, name: Name(file)}
	if wrong := p.take(globals, places); wrong != nil {
		return nil, wrong
	}
	return p, nil
}

// Name is the name of the policy of a file: without its folder and ending.
func Name(file string) string {
	file = file[strings.LastIndexAny(file, `/\`)+1:]
	return strings.TrimSuffix(file, ".star")
}

// Base implements policy.Maker.
func (p *Program) Base() string { return p.base }

// New implements policy.Maker.
func (p *Program) New(opt policy.Options) (balancer.Policy, error) {
	made := &script{p: p, opt: opt, thread: newThread(p.file)}
	if p.base != "" {
		base, err := policy.New(p.base, opt)
		if err != nil {
			return nil, err
		}
		made.base = base
	}
	made.v.init(made)
	if base, ok := made.base.(balancer.Imitator); ok {
		return &imitator{made, base}, nil
	}
	return made, nil
}

func newThread(file string) *starlark.Thread {
	thread := &starlark.Thread{Name: file}
	thread.SetMaxExecutionSteps(MaxSteps)
	return thread
}

// plainText refuses what cannot be shown, or cannot be kept with a scenario.
func plainText(file string, source []byte) *Error {
	if len(source) > MaxSource {
		return fault(file, syntax.Position{}, fmt.Sprintf("a policy has at most %d", MaxSource), "the file has %d bytes", len(source))
	}
	line, column := int32(1), int32(1)
	for rest := source; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		pos := syntax.MakePosition(&file, line, column)
		switch {
		case r == utf8.RuneError && size <= 1:
			return fault(file, pos, "save the file as UTF-8", "this is not UTF-8")
		case r != '\n' && r != '\t' && r != '\r' && !unicode.IsPrint(r):
			return fault(file, pos, "take it out", "the file contains the character %U", r)
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
		rest = rest[size:]
	}
	return nil
}

// topLevel finds where the file defines its globals, and refuses names that mean
// nothing: whoever writes one expects something of it.
func topLevel(file string, tree *syntax.File) (map[string]syntax.Position, *Error) {
	places := map[string]syntax.Position{}
	for _, stmt := range tree.Stmts {
		var ids []*syntax.Ident
		switch s := stmt.(type) {
		case *syntax.DefStmt:
			ids = []*syntax.Ident{s.Name}
		case *syntax.AssignStmt:
			ids = assigned(nil, s.LHS)
		case *syntax.LoadStmt:
			return nil, fault(file, s.Load, "write everything into the one file", "load: a policy is one file")
		}
		_, function := stmt.(*syntax.DefStmt)
		for _, id := range ids {
			if wrong := known(file, id, function); wrong != nil {
				return nil, wrong
			}
			if _, twice := places[id.Name]; !twice {
				places[id.Name] = id.NamePos
			}
		}
	}
	return places, nil
}

// boundRepeats turns x * y into a call of boundedTimes: the language itself makes a
// list of a thousand million items in one step.
func boundRepeats(file string, tree *syntax.File) (wrong *Error) {
	replace := func(x *syntax.Expr) {
		b, ok := (*x).(*syntax.BinaryExpr)
		if !ok || b.Op != syntax.STAR {
			return
		}
		*x = &syntax.CallExpr{
			Fn: &syntax.Ident{NamePos: b.OpPos, Name: timesName}, Lparen: b.OpPos, Args: []syntax.Expr{b.X, b.Y}, Rparen: b.OpPos,
		}
	}
	each := func(list []syntax.Expr) {
		for i := range list {
			replace(&list[i])
		}
	}
	syntax.Walk(tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			if n.Op == syntax.STAR_EQ && wrong == nil {
				wrong = fault(file, n.OpPos, "write x = x * y", "*= is not taken")
			}
			replace(&n.RHS)
		case *syntax.ExprStmt:
			replace(&n.X)
		case *syntax.IfStmt:
			replace(&n.Cond)
		case *syntax.ForStmt:
			replace(&n.X)
		case *syntax.ReturnStmt:
			replace(&n.Result)
		case *syntax.BinaryExpr: // a default of a parameter is one with Op EQ
			replace(&n.X)
			replace(&n.Y)
		case *syntax.UnaryExpr:
			replace(&n.X)
		case *syntax.ParenExpr:
			replace(&n.X)
		case *syntax.CallExpr:
			each(n.Args)
		case *syntax.CondExpr:
			replace(&n.Cond)
			replace(&n.True)
			replace(&n.False)
		case *syntax.DictEntry:
			replace(&n.Key)
			replace(&n.Value)
		case *syntax.DotExpr:
			replace(&n.X)
		case *syntax.IndexExpr:
			replace(&n.X)
			replace(&n.Y)
		case *syntax.SliceExpr:
			replace(&n.X)
			replace(&n.Lo)
			replace(&n.Hi)
			replace(&n.Step)
		case *syntax.ListExpr:
			each(n.List)
		case *syntax.TupleExpr:
			each(n.List)
		case *syntax.LambdaExpr:
			replace(&n.Body)
		case *syntax.Comprehension:
			replace(&n.Body)
		case *syntax.ForClause:
			replace(&n.X)
		case *syntax.IfClause:
			replace(&n.Cond)
		}
		return wrong == nil
	})
	return wrong
}

// assigned appends the names that are assigned to.
func assigned(ids []*syntax.Ident, to syntax.Expr) []*syntax.Ident {
	switch x := to.(type) {
	case *syntax.Ident:
		return append(ids, x)
	case *syntax.ParenExpr:
		return assigned(ids, x.X)
	case *syntax.TupleExpr:
		for _, y := range x.List {
			ids = assigned(ids, y)
		}
	case *syntax.ListExpr:
		for _, y := range x.List {
			ids = assigned(ids, y)
		}
	}
	return ids
}

func known(file string, id *syntax.Ident, function bool) *Error {
	if strings.HasPrefix(id.Name, "_") || !function && strings.ToUpper(id.Name) == id.Name {
		return nil
	}
	names := []string{"base"}
	for _, s := range signatures {
		names = append(names, s.name)
	}
	if slices.Contains(names, id.Name) {
		return nil
	}
	what, mend := "name", "a policy's own constants are written in capitals, and its helpers begin with _"
	if function {
		what, mend = "function", "a policy has "+strings.Join(names[1:], ", ")+"; helpers begin with _"
	}
	if near := nearest(id.Name, names); near != "" {
		mend = "did you mean " + near + "? (a helper begins with _)"
	}
	return fault(file, id.NamePos, mend, "unknown %s %q", what, id.Name)
}

// take picks the functions and the base out of the file's globals.
func (p *Program) take(globals starlark.StringDict, places map[string]syntax.Position) *Error {
	wrong := func(name, mend, format string, args ...any) *Error {
		return fault(p.file, places[name], mend, format, args...)
	}
	p.base = defaultBase
	if b, ok := globals["base"]; ok {
		text, isText := starlark.AsString(b)
		switch {
		case b == starlark.None:
			p.base = ""
		case !isText:
			return wrong("base", `write base = "per-router", or another built-in policy, or None`, "base is %s", a(b))
		case !slices.Contains(policy.Names(), text):
			mend := "choose " + strings.Join(policy.Names(), ", ") + " or None"
			if near := nearest(text, policy.Names()); near != "" {
				mend = "did you mean " + near + "?"
			}
			return wrong("base", mend, "unknown base %q", text)
		default:
			p.base = text
		}
	}
	for i, s := range signatures {
		x, ok := globals[s.name]
		if !ok {
			if s.needed && p.base == "" {
				return wrong("base", fmt.Sprintf("add def %s(%s)", s.name, s.params), "base is None, and there is no function %s", s.name)
			}
			continue
		}
		fn, ok := x.(*starlark.Function)
		mend := fmt.Sprintf("write def %s(%s)", s.name, s.params)
		switch {
		case !ok:
			return wrong(s.name, mend, "%s is %s, not a function", s.name, a(x))
		case fn.NumParams() != s.count || fn.HasVarargs() || fn.HasKwargs() || fn.NumKwonlyParams() > 0:
			return wrong(s.name, mend, "%s takes %s", s.name, count(fn))
		}
		p.fns[i] = fn
	}
	return nil
}

// count says what a function takes.
func count(fn *starlark.Function) string {
	switch {
	case fn.HasVarargs() || fn.HasKwargs() || fn.NumKwonlyParams() > 0:
		return "other parameters"
	case fn.NumParams() == 1:
		return "1 parameter"
	}
	return fmt.Sprintf("%d parameters", fn.NumParams())
}

// nearest returns the name that was probably meant, "" for none: one that is at
// most two edits away, or begins alike.
func nearest(name string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := smetrics.WagnerFischer(name, n, 1, 1, 1); d < least && d < len(n) {
			best, least = n, d
		}
	}
	if best != "" {
		return best
	}
	for _, n := range names {
		if len(name) >= 4 && (strings.HasPrefix(name, n) || strings.HasPrefix(n, name)) {
			return n
		}
	}
	return ""
}
