// Package argv takes command lines apart before the flag parser sees them.
//
// The parser stops at the first argument and takes a flag behind it for another
// argument without a word, so that "run FILE --seed 7" would lose its seed.
// [Arrange] puts flags first, and says what is wrong with a line in the
// program's own words.
package argv

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// Command is the shape of a command: what may follow its name.
type Command struct {
	Name  string
	Flags []cli.Flag
	// Least and Most bound the number of arguments; Most is -1 for no bound.
	Least, Most int
	// Argument names an argument in errors.
	Argument string
}

// flag returns the command's flag of that name.
func (c *Command) flag(name string) cli.Flag {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// takesValue tells a flag with a value from a switch.
func takesValue(f cli.Flag) bool {
	_, isSwitch := f.(*cli.BoolFlag)
	return !isSwitch
}

// Line is a command line taken apart.
type Line struct {
	// Command is the index of the command, -1 where none was named.
	Command int
	// Args are for the flag parser: command, flags, "--", arguments. nil where
	// help or the version was asked for.
	Args []string
	// Help and Version tell that these were asked for.
	Help, Version bool
}

// Arrange checks a program's command line, without the program's name, against
// its commands. The error is for the user, and says how to mend the line.
func Arrange(program string, commands []*Command, args []string) (*Line, error) {
	line := &Line{Command: -1}
	for len(args) > 0 && line.Command < 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "-h" || word == "-help" || word == "--help":
			line.Help = true
		case word == "-v" || word == "-version" || word == "--version":
			line.Version = true
		case strings.HasPrefix(word, "-") && word != "-":
			return nil, fmt.Errorf("unknown flag %s before the command%s", word, see(DidYouMean(word, []string{"--help", "--version"}), program+" --help"))
		case word == "help" && !line.Help:
			line.Help = true
		default:
			line.Command = slices.IndexFunc(commands, func(c *Command) bool { return c.Name == word })
			if line.Command < 0 {
				names := make([]string, len(commands))
				for i, c := range commands {
					names[i] = c.Name
				}
				return nil, fmt.Errorf("unknown command %q%s", word, see(DidYouMean(word, names), program+" --help"))
			}
		}
	}
	if line.Command < 0 || line.Help || line.Version {
		return line, nil
	}
	return line, line.arrangeFlags(program, commands[line.Command], args)
}

// arrangeFlags arranges what follows the command.
func (line *Line) arrangeFlags(program string, c *Command, args []string) error {
	var flags, arguments []string
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if word == "--" {
			arguments = append(arguments, args...)
			break
		}
		if !strings.HasPrefix(word, "-") || word == "-" {
			arguments = append(arguments, word)
			continue
		}
		name, _, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
		if name == "help" || name == "h" {
			line.Help = true
			return nil
		}
		f := c.flag(name)
		if f == nil {
			return fmt.Errorf("unknown flag %s of %s %s%s", strings.SplitN(word, "=", 2)[0], program, c.Name,
				see(DidYouMean("--"+name, c.flagNames()), program+" "+c.Name+" --help"))
		}
		flags = append(flags, word)
		if !takesValue(f) || hasValue {
			continue
		}
		// A flag in place of the value means that the value was forgotten.
		if len(args) == 0 || c.flag(strings.TrimLeft(args[0], "-")) != nil && strings.HasPrefix(args[0], "--") {
			return fmt.Errorf("flag %s needs a value; see %s %s --help", word, program, c.Name)
		}
		flags = append(flags, args[0])
		args = args[1:]
	}
	if len(arguments) < c.Least {
		return fmt.Errorf("%s %s needs a %s; see %s %s --help", program, c.Name, c.Argument, program, c.Name)
	}
	if c.Most >= 0 && len(arguments) > c.Most {
		return fmt.Errorf("%s %s takes no argument %q; see %s %s --help", program, c.Name, arguments[c.Most], program, c.Name)
	}
	line.Args = slices.Concat([]string{c.Name}, flags, []string{"--"}, arguments)
	return nil
}

// flagNames are the command's flags as they are written, for suggestions.
func (c *Command) flagNames() []string {
	names := []string{"--help"}
	for _, f := range c.Flags {
		names = append(names, "--"+f.Names()[0])
	}
	return names
}

// see ends an error: with the suggestion, or where there is none with the
// command that lists what there is.
func see(suggestion, help string) string {
	if suggestion != "" {
		return "; " + suggestion
	}
	return "; see " + help
}

// DidYouMean returns "did you mean …?" for the candidate nearest to a misspelt
// word, "" where none is near.
func DidYouMean(word string, candidates []string) string {
	length := len(strings.TrimLeft(word, "-"))
	best, limit := "", length/2 // more slips than that are another word
	if length < 4 {
		limit = (length + 1) / 2 // two letters swapped count two
	}
	for _, c := range candidates {
		if d := smetrics.WagnerFischer(word, c, 1, 1, 1); d <= limit && (best == "" || d < limit) {
			best, limit = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", best)
}

// CommandLine is a command line that a shell reads back as the program's name
// and args.
func CommandLine(program string, args []string) string {
	words := []string{program}
	for _, a := range args {
		words = append(words, shellQuote(a))
	}
	return strings.Join(words, " ")
}

// shellQuote quotes a word for a POSIX shell where it needs quotes.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
