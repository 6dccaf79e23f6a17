package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "multihome.i2p"
	root   = "../.."
)

// rooms says for each package what it may import of this module. A package that
// is not named belongs to the room of its nearest named parent, and packages of
// one room may import each other. Packages may be named before they exist.
var rooms = map[string][]string{
	"balancer":                 {},
	"balancer/policy":          {"balancer"},
	"balancer/policy/starlark": {"balancer", "balancer/policy"},
	"balancer/live":            {"balancer", "balancer/policy", "i2cp", "i2cp/wire", "analysis/trace"},
	"i2cp/wire":                {},
	"i2cp":                     {"i2cp/wire"},
	"analysis/trace":           {},
	"analysis":                 {},
	"analysis/learn":           {"analysis"},
	"analysis/attack":          {"analysis", "analysis/learn", "analysis/trace"},
	"analysis/result":          {"analysis"},
	"sim":                      {"balancer", "balancer/policy", "analysis/trace"},
	"sim/scenario":             {"sim"},
	"sim/game":                 {"sim", "sim/scenario", "analysis", "analysis/attack", "analysis/trace", "analysis/result"},
	"sim/fleet":                {"sim", "i2cp", "i2cp/wire"},
	"reports":                  {"analysis", "analysis/result"},
	"scenarios":                {},
	"internal":                 {},
	"internal/console":         {"i2cp/wire"},
	"internal/testnet":         {"internal/console", "i2cp/wire"},
	"bench":                    {},
	"bench/live":               {"balancer/live", "i2cp", "i2cp/wire", "internal/testnet", "analysis"},
	"bench/limits":             {"analysis/result", "reports"},
	"bench/scale":              {"sim", "sim/scenario", "balancer/policy", "analysis/attack", "analysis/result", "analysis/trace", "reports"},
	"cmd":                      {"*"},
}

// why explains a room whose imports are few; it is printed with each breach.
var why = map[string]string{
	"balancer":                 "the core decides, and is the same in the simulator and live: it may know neither world",
	"balancer/policy":          "a policy sees what the core shows it, and nothing else",
	"balancer/policy/starlark": "a user's policy sees what a built-in one sees",
	"balancer/live":            "the driver moves bytes and keeps time; simulation and statistics have no place in it",
	"i2cp/wire":                "the codec serves every other package and so can depend on none",
	"i2cp":                     "the protocol knows nothing of what is decided or simulated over it",
	"analysis/trace":           "a trace is what an observer saw: whoever writes one must not lend it more",
	"analysis":                 "estimators are functions of numbers, wherever those came from",
	"analysis/learn":           "a learner is a function of labelled numbers; what they were measured on is an attack's business",
	"analysis/attack":          "an attack reads traces only, so that it cannot peep at the simulator's truth and runs on live traces too",
	"analysis/result":          "results outlive the code that computed them",
	"sim":                      "the simulator makes traces; it must not know by whom or how they are read, nor speak to real routers",
	"sim/scenario":             "a scenario describes a world",
	"sim/game":                 "a game brings simulator and attacks together; it must run without sockets",
	"sim/fleet":                "simulated routers over real sockets take their commands from outside, as real ones do",
	"reports":                  "reports render results; they must not be able to compute others",
	"scenarios":                "only files",
	"internal":                 "helpers of the build",
	"internal/console":         "a router's web page is read for what it says, whoever asks",
	"internal/testnet":         "a harness for real routers serves the tests of all that speak to one, and so can depend on none of these",
	"bench":                    "benchmarks of other programs",
	"bench/limits":             "it draws finished results and a closed form",
	"bench/scale":              "it measures trials as users run them: scenarios in, no inside of the simulator",
	"bench/live":               "it measures the driver over real routers from outside: it may know neither the core nor the simulator",
}

// A stdBan forbids parts of the standard library to one room.
type stdBan struct {
	room       string
	transitive bool // forbidden also to everything that the room's packages import
	bans       map[string]string
}

// A ban on "net" also bans "net/...".
//
// The transitive bans of balancer leave it errors, math, math/bits,
// math/rand/v2, cmp, iter, slices, maps, sort, strconv and unicode/utf8. Note
// that bytes, strings and encoding/binary import sync.
var stdBans = []stdBan{
	{room: "balancer", transitive: true, bans: map[string]string{
		"net":         "I/O is done by whoever calls Step",
		"os":          "I/O is done by whoever calls Step",
		"time":        "time is an argument of Step",
		"fmt":         "a core that formats will soon print; errors.New suffices",
		"log":         "a decision is returned, not logged",
		"sync":        "the core is single-threaded",
		"crypto/rand": "randomness is injected; a hidden source cannot be replayed",
	}},
	{room: "balancer/policy", bans: map[string]string{
		"net":         "a policy does no I/O",
		"os":          "a policy does no I/O",
		"time":        "time is part of what the core shows to a policy",
		"log":         "a decision is returned, not logged",
		"sync":        "the core is single-threaded",
		"crypto/rand": "randomness is injected; a hidden source cannot be replayed",
	}},
	{room: "balancer/policy/starlark", bans: map[string]string{
		"net":         "a user's policy does no I/O",
		"os":          "a user's policy does no I/O: the commands read its file",
		"time":        "time is part of what the core shows to a policy",
		"log":         "a failure is counted, and told by who drives the core",
		"crypto/rand": "randomness is injected; a hidden source cannot be replayed",
	}},
	{room: "sim", bans: map[string]string{
		"net":         "a simulated network only",
		"os":          "files are the commands' business; a trial is a function of its seed",
		"log":         "a trial yields traces and counters",
		"crypto/rand": "a trial is a function of its seed",
	}},
	{room: "analysis", bans: map[string]string{
		"net": "pure functions",
		"os":  "pure functions",
		"log": "warnings are part of a result",
	}},
	{room: "i2cp/wire", bans: map[string]string{
		"net": "a codec works on byte slices",
		"log": "a codec returns errors; who logs them knows more",
	}},
}

// stdlibOnly are the rooms that may import no other module, but for the prefixes
// given: what everything rests on should not move when a dependency does.
var stdlibOnly = map[string][]string{
	"balancer":        {},
	"balancer/policy": {},
	"i2cp/wire":       {"golang.org/x/crypto/"},
}

// realWorld are the rooms that may read the clock, sleep and draw random numbers
// from the global source. (balancer/live draws its seed from crypto/rand.)
var realWorld = []string{"cmd", "balancer/live", "i2cp", "internal/testnet", "sim/fleet", "bench/live"}

// topLevel are the directories that a newcomer finds at the root. Hidden ones,
// and those that .gitignore names, do not count.
var topLevel = []string{
	"analysis", "balancer", "bench", "cmd", "docs", "i2cp", "internal", "packaging", "reports", "scenarios", "sim", "tools",
}

var ignored = []string{"bin", "results", "dist"}

// room returns the room that a package of this module belongs to, "" if none.
func room(pkg string) string {
	for p := pkg; p != "."; p = path.Dir(p) {
		if _, ok := rooms[p]; ok {
			return p
		}
	}
	return ""
}

// within reports whether pkg is the package dir or lies below it.
func within(pkg, dir string) bool {
	return pkg == dir || strings.HasPrefix(pkg, dir+"/")
}

// rel returns a package's path within this module.
func rel(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, module+"/")
}

type listedPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// list runs go list over the whole module. Tests are not part of the result:
// they may import what they like. (That go test caches no stale result, although
// it cannot see what go list reads, is owed to the walk of TestHiddenInputs.)
func list(t *testing.T) map[string]listedPackage {
	t.Helper()
	// -e: a package that does not compile has imports all the same, and a
	// better place to fail than here.
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	pkgs := make(map[string]listedPackage)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[p.ImportPath] = p
	}
}

// breaches returns what is wrong with p's imports. standard tells the standard
// library's packages from other modules'.
func breaches(p listedPackage, standard func(string) bool) []string {
	pkg, ok := rel(p.ImportPath)
	if !ok {
		return nil
	}
	here := room(pkg)
	if here == "" {
		return []string{fmt.Sprintf("%s: no room for it: name it in rooms, with what it may import", pkg)}
	}
	var found []string
	for _, imp := range p.Imports {
		if other, ok := rel(imp); ok {
			there, allowed := room(other), rooms[here]
			if there != here && !slices.Contains(allowed, there) && !slices.Contains(allowed, "*") {
				found = append(found, fmt.Sprintf("%s imports %s, but of this module may import only %q: %s", pkg, other, allowed, why[here]))
			}
			continue
		}
		if allowed, ok := stdlibOnly[here]; ok && !standard(imp) &&
			!slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(imp, prefix) }) {
			found = append(found, fmt.Sprintf("%s imports %s: only the standard library here", pkg, imp))
		}
	}
	for _, ban := range stdBans {
		if ban.room != here {
			continue
		}
		reached, verb := p.Imports, "imports"
		if ban.transitive {
			reached, verb = p.Deps, "reaches"
		}
		for _, dep := range reached {
			for banned, reason := range ban.bans {
				if within(dep, banned) {
					found = append(found, fmt.Sprintf("%s %s %s: %s", pkg, verb, dep, reason))
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestImports(t *testing.T) {
	pkgs := list(t)
	standard := func(imp string) bool { return pkgs[imp].Standard }
	ours := 0
	for _, p := range pkgs {
		if _, ok := rel(p.ImportPath); ok {
			ours++
		}
		for _, b := range breaches(p, standard) {
			t.Error(b)
		}
	}
	if ours == 0 {
		t.Errorf("go list names no package of %s: nothing was checked", module)
	}
}

// TestBreaches shows that the rules can be broken.
func TestBreaches(t *testing.T) {
	standard := func(imp string) bool { return !strings.Contains(imp, ".") }
	for _, test := range []struct {
		pkg     string
		imports []string
		want    int
	}{
		{"balancer", []string{"errors", "math", "math/rand/v2", "slices"}, 0},
		{"balancer", []string{"fmt"}, 1},
		{"balancer", []string{"log/slog", "crypto/rand", "sync/atomic"}, 3},
		{"balancer", []string{module + "/sim"}, 1},
		{"balancer", []string{"golang.org/x/crypto/curve25519"}, 1},
		{"balancer/policy", []string{module + "/balancer", "fmt"}, 0},
		{"balancer/policy/starlark", []string{module + "/balancer/policy", "go.starlark.net/starlark"}, 0},
		{"balancer/policy/starlark", []string{module + "/sim", "os", "time"}, 3},
		{"balancer/live", []string{"net", "time", module + "/i2cp"}, 0},
		{"balancer/live", []string{module + "/sim"}, 1},
		{"i2cp", []string{"net", module + "/i2cp/wire"}, 0},
		{"i2cp/wire", []string{module + "/i2cp"}, 1},
		{"i2cp/wire", []string{"golang.org/x/crypto/curve25519"}, 0},
		{"i2cp/streaming", []string{module + "/i2cp", "log/slog"}, 0},
		{"sim", []string{module + "/sim/netdb", "fmt"}, 0},
		{"sim/netdb", []string{module + "/sim", "net/netip"}, 1},
		{"sim", []string{module + "/analysis/attack", "os"}, 2},
		{"sim/fleet", []string{"net", "os", "log/slog"}, 0},
		{"analysis/attack", []string{module + "/sim"}, 1},
		{"analysis", []string{"netbook"}, 0},
		{"cmd/mhsim", []string{module + "/sim/game", module + "/reports", "os"}, 0},
		{"reports", []string{module + "/sim"}, 1},
		{"misc", nil, 1},
	} {
		p := listedPackage{ImportPath: module + "/" + test.pkg, Imports: test.imports, Deps: test.imports}
		if got := breaches(p, standard); len(got) != test.want {
			t.Errorf("%s importing %q: %d breaches, want %d: %q", test.pkg, test.imports, len(got), test.want, got)
		}
	}
}

// TestRooms keeps the tables in step with each other.
func TestRooms(t *testing.T) {
	for pkg, allowed := range rooms {
		if why[pkg] == "" && !slices.Contains(allowed, "*") {
			t.Errorf("rooms: %s has no reason", pkg)
		}
		for _, other := range allowed {
			if _, ok := rooms[other]; !ok && other != "*" {
				t.Errorf("rooms: %s may import %s, which is no room", pkg, other)
			}
		}
	}
	for _, ban := range stdBans {
		if _, ok := rooms[ban.room]; !ok {
			t.Errorf("stdBans: %s is no room", ban.room)
		}
	}
}

// clockFuncs are the functions of time that read the clock or wait for it.
var clockFuncs = []string{"Now", "Sleep", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// randNames are what math/rand and math/rand/v2 export that does not use the
// global source.
var randNames = []string{"New", "NewPCG", "NewChaCha8", "NewSource", "NewZipf", "Rand", "PCG", "ChaCha8", "Source", "Source64", "Zipf"}

// hiddenInputs returns where a file reads the clock or the global random source.
// A test may read the clock, to wait for something, but not sleep.
func hiddenInputs(fset *token.FileSet, file *ast.File, test bool) []string {
	paths := make(map[string]string) // of the imports that matter, by name
	var found []string
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the compiler will say so
		}
		name := "rand"
		switch imp {
		case "time":
			name = "time"
		case "math/rand", "math/rand/v2":
		default:
			continue
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			found = append(found, fmt.Sprintf("%v: dot import of %s hides what is called", fset.Position(spec.Pos()), imp))
		}
		paths[name] = imp
	}
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		// A variable that shadows an import's name is taken for the import:
		// it should have another name anyway.
		pkg, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		name := sel.Sel.Name
		switch paths[pkg.Name] {
		case "time":
			if slices.Contains(clockFuncs, name) && (!test || name == "Sleep") {
				found = append(found, fmt.Sprintf("%v: time.%s: time is an argument here", fset.Position(sel.Pos()), name))
			}
		case "math/rand", "math/rand/v2":
			if !slices.Contains(randNames, name) {
				found = append(found, fmt.Sprintf("%v: rand.%s draws from the global source, which no seed reproduces", fset.Position(sel.Pos()), name))
			}
		}
		return true
	})
	return found
}

func TestHiddenInputs(t *testing.T) {
	fset := token.NewFileSet()
	files := 0
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") && name != "."
			if hidden || d.Name() == "testdata" || slices.Contains(ignored, name) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" || slices.Contains(realWorld, room(path.Dir(name))) {
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		for _, f := range hiddenInputs(fset, file, strings.HasSuffix(name, "_test.go")) {
			t.Error(f)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if files == 0 {
		t.Error("no files found: nothing was checked")
	}
}

// TestHiddenInputsFound shows that the check finds what it looks for.
func TestHiddenInputsFound(t *testing.T) {
	for _, test := range []struct {
		src          string
		want, inTest int
	}{
		{`import "time"; var _ = time.Now()`, 1, 0},
		{`import "time"; var now = time.Now`, 1, 0},
		{`import "time"; func f() { time.Sleep(1) }`, 1, 1},
		{`import clock "time"; var _ = clock.Since(clock.Time{})`, 1, 0},
		{`import "time"; var d time.Duration = time.Second`, 0, 0},
		{`import "math/rand/v2"; var _ = rand.IntN(3)`, 1, 1},
		{`import "math/rand"; func f() { rand.Shuffle(0, nil) }`, 1, 1},
		{`import . "math/rand/v2"; var _ = IntN(3)`, 1, 1},
		{`import "math/rand/v2"; var r *rand.Rand = rand.New(rand.NewPCG(1, 2)); var _ = r.IntN(3)`, 0, 0},
		{`import "crypto/rand"; func f() { rand.Read(nil) }`, 0, 0},
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "p.go", "package p\n"+test.src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := hiddenInputs(fset, file, false); len(got) != test.want {
			t.Errorf("%s: found %q, want %d", test.src, got, test.want)
		}
		if got := hiddenInputs(fset, file, true); len(got) != test.inTest {
			t.Errorf("%s in a test: found %q, want %d", test.src, got, test.inTest)
		}
	}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() && !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) && !slices.Contains(ignored, name) {
			t.Errorf("%s/: no such directory is known: put it where a newcomer would look for it, or name it in topLevel", name)
		}
	}
}
