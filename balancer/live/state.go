package live

import (
	"bytes"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// What must survive a restart, in two files a Destination: STATE/<b32>.json with
// the last `published`, and STATE/<b32>.x25519, mode 0600, with the private
// encryption key: a new one would be seen by everybody who looks.

type savedState struct {
	Format    string `json:"format"`
	Version   int    `json:"version"`
	Published int64  `json:"published"`
}

const stateFormat = "multihome-state"

type store struct {
	dir, name string
	saved     int64
}

func (s *store) path(ext string) string { return filepath.Join(s.dir, s.name+ext) }

// readState reads a JSON file of the state; ok is false where there is none.
func readState(path string, v any) (ok bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return false, fmt.Errorf("%s cannot be read (%w): remove it", path, err)
	}
	return true, nil
}

// restore returns the last `published`, 0 if there was none.
func (s *store) restore() (int64, error) {
	var st savedState
	if ok, err := readState(s.path(".json"), &st); err != nil || !ok {
		return 0, err
	}
	if st.Format != stateFormat || st.Version != 1 || st.Published < 0 {
		return 0, fmt.Errorf("%s is not a state file of this version: remove it (the next LeaseSet then takes the clock's time)", s.path(".json"))
	}
	s.saved = st.Published
	return st.Published, nil
}

// save keeps `published` before it is used.
func (s *store) save(published int64) error {
	if published <= s.saved {
		return nil
	}
	b, err := json.Marshal(savedState{stateFormat, 1, published})
	if err != nil {
		return err
	}
	// Not synced: after a loss of power the clock is ahead of it anyway.
	if err := replaceFile(s.path(".json"), append(b, '\n'), false); err != nil {
		return err
	}
	s.saved = published
	return nil
}

// encryptionKey reads the private key, or makes one.
func (s *store) encryptionKey() (*ecdh.PrivateKey, error) {
	path := s.path(".x25519")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := newEncryptionKey()
		if err != nil {
			return nil, err
		}
		return key, s.keepKey(key)
	}
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it", path)
	}
	key, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: remove it, and a new key is made", path, err)
	}
	return key, nil
}

func (s *store) keepKey(key *ecdh.PrivateKey) error {
	return replaceFile(s.path(".x25519"), key.Bytes(), true)
}

// replaceFile writes a file so that it holds either the old or the new bytes; with
// sync, after a loss of power too.
func replaceFile(path string, b []byte, sync bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if sync {
		err = errors.Join(err, f.Sync())
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
