package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// command is one command of the program.
type command struct {
	name  string
	flags []cli.Flag
	help  string
	// least and most bound the number of arguments; most is -1 for no bound.
	least, most int
	// argument names an argument in errors.
	argument string
	action   cli.ActionFunc
}

// flag returns the command's flag of that name.
func (c *command) flag(name string) cli.Flag {
	for _, f := range c.flags {
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

// invocation is a command line taken apart.
type invocation struct {
	command       *command // nil: none was named
	argv          []string // for cli: command, flags, "--", arguments
	help, version bool
}

// arrange checks a command line against the commands and puts its flags before
// its arguments: the flag parser stops at the first argument, and would take a
// flag behind it for another argument without a word.
func arrange(commands []*command, args []string) (*invocation, error) {
	inv := &invocation{}
	for len(args) > 0 && inv.command == nil {
		word := args[0]
		args = args[1:]
		switch {
		case word == "-h" || word == "-help" || word == "--help":
			inv.help = true
		case word == "-v" || word == "-version" || word == "--version":
			inv.version = true
		case strings.HasPrefix(word, "-") && word != "-":
			return nil, inputErrorf("unknown flag %s before the command%s", word, see(didYouMean(word, []string{"--help", "--version"}), "mhsim --help"))
		case word == "help" && !inv.help:
			inv.help = true
		default:
			i := slices.IndexFunc(commands, func(c *command) bool { return c.name == word })
			if i < 0 {
				names := make([]string, len(commands))
				for i, c := range commands {
					names[i] = c.name
				}
				return nil, inputErrorf("unknown command %q%s", word, see(didYouMean(word, names), "mhsim --help"))
			}
			inv.command = commands[i]
		}
	}
	if inv.command == nil || inv.help || inv.version {
		return inv, nil
	}
	return inv, inv.arrangeFlags(args)
}

// arrangeFlags arranges what follows the command.
func (inv *invocation) arrangeFlags(args []string) error {
	c := inv.command
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
			inv.help = true
			return nil
		}
		f := c.flag(name)
		if f == nil {
			return inputErrorf("unknown flag %s of mhsim %s%s", strings.SplitN(word, "=", 2)[0], c.name,
				see(didYouMean("--"+name, c.flagNames()), "mhsim "+c.name+" --help"))
		}
		flags = append(flags, word)
		if !takesValue(f) || hasValue {
			continue
		}
		// A flag in place of the value means that the value was forgotten.
		if len(args) == 0 || c.flag(strings.TrimLeft(args[0], "-")) != nil && strings.HasPrefix(args[0], "--") {
			return inputErrorf("flag --%s needs a value; see mhsim %s --help", name, c.name)
		}
		flags = append(flags, args[0])
		args = args[1:]
	}
	if len(arguments) < c.least {
		return inputErrorf("mhsim %s needs a %s; see mhsim %s --help", c.name, c.argument, c.name)
	}
	if c.most >= 0 && len(arguments) > c.most {
		return inputErrorf("mhsim %s takes no argument %q; see mhsim %s --help", c.name, arguments[c.most], c.name)
	}
	inv.argv = slices.Concat([]string{c.name}, flags, []string{"--"}, arguments)
	return nil
}

// flagNames are the command's flags as they are written, for suggestions.
func (c *command) flagNames() []string {
	names := []string{"--help"}
	for _, f := range c.flags {
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

// didYouMean returns "did you mean …?" for the candidate nearest to a misspelt
// word, "" where none is near.
func didYouMean(word string, candidates []string) string {
	best, limit := "", (len(strings.TrimLeft(word, "-"))+1)/2 // more slips than that are another word
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

// commandLine is a command line that a shell reads back as args.
func commandLine(args []string) string {
	words := []string{"mhsim"}
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
