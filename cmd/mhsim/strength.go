package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"multihome.i2p/cmd/internal/assess"
	"multihome.i2p/sim/game"
)

// A strengthFile is what the suite of one build of the program reaches in the games
// on record, kept in the user's cache directory. It may be removed.
type strengthFile struct {
	Format  string         `json:"format"`
	Version int            `json:"version"`
	Key     string         `json:"key"`
	Reached []game.Reached `json:"reached"`
}

const (
	strengthFormat  = "multihome-strength"
	strengthVersion = 1
)

// playStrength measures the strength of the suite; tests replace it, since it plays
// more than a thousand trials.
var playStrength = game.Strength

// strength returns what the attacks of this build reach in the games on record. It is
// measured once for each build; a cache that does not work costs time and no more.
func (t *tool) strength(workers int) ([]game.Reached, error) {
	name, key := t.strengthCache()
	if name != "" {
		reached, err := readStrength(name, key)
		if err == nil {
			return reached, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(t.stderr, "mhsim: warning: %s is not used: %v; the strength of the attacks is measured again\n", name, err)
		}
	}
	var reached []game.Reached
	err := t.watched("strength of the attacks", func(ctx context.Context, watch func(game.Progress)) error {
		var err error
		reached, err = playStrength(ctx, workers, watch)
		return err
	})
	if err != nil {
		return nil, err
	}
	if name != "" {
		data, err := json.Marshal(strengthFile{strengthFormat, strengthVersion, key, reached})
		if err == nil {
			err = writeFile(name, append(data, '\n'))
		}
		if err != nil {
			fmt.Fprintf(t.stderr, "mhsim: warning: the strength of the attacks is not kept, and will be measured again the next time: %v\n", err)
		}
	}
	return reached, nil
}

// checkStrength refuses to judge anything by attacks that are weaker than on record.
func (t *tool) checkStrength(workers int) error {
	reached, err := t.strength(workers)
	if err != nil {
		return err
	}
	if short := game.Shortfalls(game.RecordedStrength(), reached); len(short) > 0 {
		return &exitError{code: exitInvalid, err: fmt.Errorf("%v; a verdict by weaker attacks would mean nothing; use another build of mhsim", short[0])}
	}
	return nil
}

// strengthCache names the file of this build; "" if there is nowhere to keep it, or
// nothing that tells this build from others.
func (t *tool) strengthCache() (name, key string) {
	program := t.build.program()
	dir, err := assess.CacheDir()
	if program == "" || err != nil {
		return "", ""
	}
	sum := sha256.Sum256([]byte(strengthFormat + " " + program))
	key = hex.EncodeToString(sum[:])
	return filepath.Join(dir, "strength-"+key[:32]+".json"), key
}

func readStrength(name, key string) ([]game.Reached, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var f strengthFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	if f.Format != strengthFormat || f.Version != strengthVersion || f.Key != key {
		return nil, errors.New("it is not what this build makes")
	}
	return f.Reached, nil
}
