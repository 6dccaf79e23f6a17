package main

import (
	"bytes"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/internal/assess"
)

func (t *tool) analyzeCommand() *command {
	return &command{
		name: "analyze", help: analyzeHelp, least: 1, most: -1, argument: "TRACE", action: t.analyze,
		flags: []cli.Flag{&cli.BoolFlag{Name: "json"}},
	}
}

func (t *tool) analyze(c *cli.Context) error {
	// All traces are read before anything is printed: half an output would pass
	// for a whole one.
	var all []*assess.Assessment
	var wrong errorList
	for _, file := range c.Args().Slice() {
		tr, err := assess.Read(file)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		a, err := assess.Of(file, tr)
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	if wrong != nil {
		return inputError(wrong)
	}
	var out bytes.Buffer
	write := assess.WriteTables
	if c.Bool("json") {
		write = assess.WriteJSON
	}
	if err := write(&out, all); err != nil {
		return err
	}
	_, err := t.stdout.Write(out.Bytes())
	return err
}
