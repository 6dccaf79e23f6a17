package main

import (
	"github.com/urfave/cli/v2"

	"multihome.i2p/internal/argv"
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

// invocation is a command line taken apart.
type invocation struct {
	command       *command // nil: none was named
	argv          []string // for cli: command, flags, "--", arguments
	help, version bool
}

// arrange checks a command line against the commands and puts its flags before
// its arguments.
func arrange(commands []*command, args []string) (*invocation, error) {
	var shapes []*argv.Command
	for _, c := range commands {
		shapes = append(shapes, &argv.Command{Name: c.name, Flags: c.flags, Least: c.least, Most: c.most, Argument: c.argument})
	}
	line, err := argv.Arrange("mhsim", shapes, args)
	if err != nil {
		return nil, inputError(err)
	}
	inv := &invocation{argv: line.Args, help: line.Help, version: line.Version}
	if line.Command >= 0 {
		inv.command = commands[line.Command]
	}
	return inv, nil
}

// didYouMean returns "did you mean …?" for the candidate nearest to a misspelt
// word, "" where none is near.
func didYouMean(word string, candidates []string) string { return argv.DidYouMean(word, candidates) }

// commandLine is a command line that a shell reads back as args.
func commandLine(args []string) string { return argv.CommandLine("mhsim", args) }
