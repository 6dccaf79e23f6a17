package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"multihome.i2p/balancer/live"
	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/internal/argv"
)

const replayHelp = `Usage:
    mhbalance replay LOG...

Feeds event logs (record: FILE of a destination) through the deciding core, and
compares each decision with the recorded one, byte for byte. The exit code is 0 if
all are the same, 1 where a log and the core part, 2 if a file is no event log.

A log that was recorded by another version of mhbalance may part: the two decide
otherwise.

Example:
    $ mhbalance replay events.replay
`

func (t *tool) replayCommand() *command {
	return &command{
		Command: argv.Command{Name: "replay", Least: 1, Most: -1, Argument: "LOG"},
		help:    replayHelp, action: t.replay,
	}
}

func (t *tool) replay(c *cli.Context) error {
	parted := false
	var wrong manyErrors
	for _, file := range c.Args().Slice() {
		n, err := replayFile(file)
		var where *live.ReplayError
		switch {
		case err == nil:
			fmt.Fprintf(t.stdout, "%s: %s, the same decisions\n", file, count(n, "record"))
		case errors.As(err, &where) && where.Record > 0:
			fmt.Fprintf(t.stdout, "%s: %s, then they part\n", file, count(n, "record"))
			t.warn("%s: %v", file, where)
			parted = true
		case errors.As(err, &where):
			wrong = append(wrong, fmt.Errorf("%s: %s; name a file that record names in a configuration", file, where.Reason))
		default:
			wrong = append(wrong, err)
		}
	}
	switch {
	case wrong != nil:
		return inputError(wrong)
	case parted:
		return errSilent
	}
	return nil
}

func replayFile(file string) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return live.Replay(f, config.LoadPolicy)
}
