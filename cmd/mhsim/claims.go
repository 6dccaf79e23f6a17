package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/internal/claims"
	"multihome.i2p/sim/game"
)

func (t *tool) claimsCommand() *command {
	return &command{
		name: "claims", help: claimsHelp, action: t.claims,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "out"},
			&cli.StringSliceFlag{Name: "only"},
			&cli.BoolFlag{Name: "quick"},
			&cli.StringFlag{Name: "workers"},
		},
	}
}

// claims decides the claims of the proposals.
func (t *tool) claims(c *cli.Context) error {
	workers, err := workerCount(c)
	if err != nil {
		return err
	}
	list := claims.Shipped()
	if only := c.StringSlice("only"); len(only) > 0 {
		if list, err = someClaims(list, only); err != nil {
			return err
		}
	}
	if c.IsSet("out") { // known before minutes of work
		if c.String("out") == "" {
			return inputErrorf("--out: empty; name a file")
		}
		if err := checkWritable(c.String("out")); err != nil {
			return inputErrorf("cannot write the claims: %w; choose another --out", err)
		}
	}
	opt := claims.Options{Names: names(), Workers: workers, Quick: c.Bool("quick")}
	if err := t.checkStrength(workers); err != nil {
		return err
	}
	var all []*claims.Verdict
	for i := range list {
		err := t.watched(list[i].ID, func(ctx context.Context, watch func(game.Progress)) error {
			opt.Progress = watch
			v, err := claims.Decide(ctx, &list[i], opt)
			all = append(all, v)
			return err
		})
		if err != nil {
			return err
		}
		if !c.IsSet("out") {
			t.printClaim(all[i])
		}
	}
	if !c.IsSet("out") {
		fmt.Fprintf(t.stdout, "\n%s\n", claims.Summary(all))
		return nil
	}
	out := c.String("out")
	words := []string{"claims", "--out", filepath.ToSlash(out)}
	if opt.Quick {
		words = append(words, "--quick")
	}
	for _, id := range c.StringSlice("only") {
		words = append(words, "--only", id)
	}
	if err := writeFile(out, claims.Markdown(all, commandLine(words))); err != nil {
		return inputErrorf("cannot write the claims: %w; choose another --out", err)
	}
	fmt.Fprintf(t.stdout, "%s\nclaims: %s\n", claims.Summary(all), out)
	return nil
}

func someClaims(list []claims.Claim, only []string) ([]claims.Claim, error) {
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	for _, id := range only {
		if slices.Contains(ids, id) {
			continue
		}
		mend := didYouMean(id, ids)
		if mend == "" {
			mend = "there are " + strings.Join(ids, ", ")
		}
		return nil, inputErrorf("no claim %q; %s", id, mend)
	}
	return slices.DeleteFunc(list, func(c claims.Claim) bool { return !slices.Contains(only, c.ID) }), nil
}

// printClaim shows a verdict on the terminal.
func (t *tool) printClaim(v *claims.Verdict) {
	fmt.Fprintf(t.stdout, "%-24s%s\n", v.Claim.ID, v.Word)
	for _, line := range v.Lines() {
		fmt.Fprintf(t.stdout, "    %s\n", line)
	}
}
