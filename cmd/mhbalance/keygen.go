package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/argv"
)

const keygenHelp = `Usage:
    mhbalance keygen FILE

Makes a new Destination with an Ed25519 key, writes its private keys into FILE,
which only you may read, and prints its address. It never overwrites a file: who
loses the keys loses the address.

FILE has the format of i2pd and Java I2P, whose key files serve as well.

Example:
    $ mhbalance keygen service.keys
`

func (t *tool) keygenCommand() *command {
	return &command{
		Command: argv.Command{Name: "keygen", Least: 1, Most: 1, Argument: "FILE"}, help: keygenHelp,
		action: func(c *cli.Context) error {
			keys, err := newKeys(c.Args().First())
			if err != nil {
				return err
			}
			fmt.Fprintln(t.stdout, keys.Destination.B32())
			return nil
		},
	}
}

// newKeys makes a key file.
func newKeys(file string) (wire.PrivateKeyFile, error) {
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		return keys, err
	}
	err = config.WriteKeys(file, keys)
	if errors.Is(err, fs.ErrExist) {
		return keys, inputErrorf("%s is there already, and keys are never overwritten; choose another name", file)
	}
	if err != nil {
		return keys, inputErrorf("cannot write the keys: %w", err)
	}
	return keys, nil
}
