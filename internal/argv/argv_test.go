package argv

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

var commands = []*Command{
	{Name: "run", Least: 1, Most: -1, Argument: "SCENARIO", Flags: []cli.Flag{
		&cli.StringFlag{Name: "out", Aliases: []string{"o"}}, &cli.StringFlag{Name: "seed"}, &cli.BoolFlag{Name: "traces"},
	}},
	{Name: "analyze", Least: 1, Most: 1, Argument: "TRACE", Flags: []cli.Flag{&cli.BoolFlag{Name: "json"}}},
	{Name: "list"},
}

// Flags may stand anywhere; the flag parser wants them first.
func TestArrange(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"run a", "run -- a"},
		{"run a --out d b", "run --out d -- a b"},
		{"run a -o d b", "run -o d -- a b"},
		{"run --out=d a", "run --out=d -- a"},
		{"run a -out d", "run -out d -- a"},
		{"run a --traces b --seed -1", "run --traces --seed -1 -- a b"},
		{"run a -- --out b", "run -- a --out b"},
		{"run --out -- a", "run --out -- -- a"}, // as the flag parser would have it
		{"analyze - --json", "analyze --json -- -"},
		{"list", "list --"},
	} {
		line, err := Arrange("prog", commands, strings.Fields(test.line))
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
		} else if got := strings.Join(line.Args, " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.line, got, test.want)
		}
	}
}

func TestArrangeAsked(t *testing.T) {
	for _, test := range []struct {
		line          string
		command       int
		help, version bool
	}{
		{"", -1, false, false},
		{"--help", -1, true, false},
		{"help", -1, true, false},
		{"help run", 0, true, false},
		{"run -h", 0, true, false},
		{"run a --out d --help", 0, true, false},
		{"--version", -1, false, true},
	} {
		line, err := Arrange("prog", commands, strings.Fields(test.line))
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
		} else if line.Command != test.command || line.Help != test.help || line.Version != test.version || line.Args != nil {
			t.Errorf("%s: %+v", test.line, line)
		}
	}
}

func TestArrangeRefuses(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"rnu", `unknown command "rnu"; did you mean run?`},
		{"frobnicate", `unknown command "frobnicate"; see prog --help`},
		{"--vresion", "unknown flag --vresion before the command; did you mean --version?"},
		{"run a --bogus", "unknown flag --bogus of prog run; see prog run --help"},
		{"run a --sede=3", "unknown flag --sede of prog run; did you mean --seed?"},
		{"list --json", "unknown flag --json of prog list; see prog list --help"},
		{"run", "prog run needs a SCENARIO; see prog run --help"},
		{"run --out", "flag --out needs a value; see prog run --help"},
		{"run -o", "flag -o needs a value; see prog run --help"},
		{"run a --out --seed 3", "flag --out needs a value; see prog run --help"},
		{"analyze a b", `prog analyze takes no argument "b"; see prog analyze --help`},
	} {
		if _, err := Arrange("prog", commands, strings.Fields(test.line)); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.line, err, test.want)
		}
	}
}

// A command line that is printed can be pasted.
func TestCommandLine(t *testing.T) {
	args := []string{"run", "it's", "a b", "", "$x", "--out=ü", "plain-1.yaml", "*"}
	line := CommandLine("prog", args)
	if want := `prog run 'it'\''s' 'a b' '' '$x' '--out=ü' plain-1.yaml '*'`; line != want {
		t.Errorf("%s, want %s", line, want)
	}
	out, err := exec.Command("sh", "-c", "prog() { printf '%s\\n' \"$@\"; }; "+line).Output()
	if err != nil {
		t.Skipf("SKIPPED, the quoting is not tried in a shell: %v", err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); !slices.Equal(got, args) {
		t.Errorf("a shell reads %q, want %q", got, args)
	}
}
