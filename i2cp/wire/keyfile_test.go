package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestKeyFileOurs makes the two key files of the vectors again, which i2pd has read
// and signed lease sets with.
func TestKeyFileOurs(t *testing.T) {
	f, err := NewPrivateKeyFile(strings.NewReader("wire test key: not for any use! wire test key: not for any use! "))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoding(t, f.Append), vectorBytes(t, "i2pd-keyfile-ours")) {
		t.Error("keyfile-ours: other bytes")
	}
	f, err = NewPrivateKeyFile(strings.NewReader("offline test key, for no use at.padding of the offline test key."))
	if err != nil {
		t.Fatal(err)
	}
	expires := SecondsOf(time.Date(2080, 1, 1, 0, 0, 0, 0, time.UTC))
	offline, err := f.WithTransientKey(expires, strings.NewReader("transient test key, for no use.."))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoding(t, offline.Append), vectorBytes(t, "i2pd-keyfile-ours-offline")) {
		t.Error("keyfile-ours-offline: other bytes")
	}
	if f.IsOffline() || !offline.IsOffline() || bytes.Contains(encoding(t, offline.Append), f.SigningKey) {
		t.Error("the offline file has the Destination's key")
	}
	k, err := offline.Signer()
	if err != nil || !k.Public().Equal(offline.Offline.Signature.Transient) {
		t.Errorf("Signer: %v", err)
	}
	if _, err := offline.WithTransientKey(expires, nil); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("a transient key by a transient key: %v", err)
	}
}

func TestKeyFileSigner(t *testing.T) {
	f := sampleKeyFile(t)
	if _, err := f.Signer(); err != nil {
		t.Fatal(err)
	}
	wrong := f.Clone()
	wrong.SigningKey[5] ^= 1
	if _, err := wrong.Signer(); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("another key: %v", err)
	}
	offline, err := f.WithTransientKey(1, bytes.NewReader(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	wrong = offline.Clone()
	wrong.Offline.SigningKey[5] ^= 1
	if _, err := wrong.Signer(); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("another transient key: %v", err)
	}
	wrong = offline.Clone()
	wrong.Offline.Signature.Expires++
	if _, err := wrong.Signer(); !errors.Is(err, ErrSignature) {
		t.Errorf("an offline signature for longer: %v", err)
	}
	if _, err := NewPrivateKeyFile(strings.NewReader("too little")); err == nil {
		t.Error("a key of too few random bytes")
	}
	if _, err := NewPrivateKeyFile(bytes.NewReader(make([]byte, 64))); !errors.Is(err, ErrValue) {
		t.Errorf("a key of zeros: %v", err)
	}
	if _, err := f.WithTransientKey(1, strings.NewReader("too little")); err == nil {
		t.Error("a transient key of too few random bytes")
	}
}

// TestKeysHidden prints what holds keys, as one does by mistake.
func TestKeysHidden(t *testing.T) {
	f := sampleKeyFile(t)
	k, err := f.Signer()
	if err != nil {
		t.Fatal(err)
	}
	seed := fmt.Sprintf("%d", f.SigningKey[0])
	for _, s := range []string{fmt.Sprint(f, k), fmt.Sprintf("%v %+v %#v", f, f, f), fmt.Sprintf("%v %+v %#v", k, k, k)} {
		if strings.Contains(s, "["+seed) || strings.Contains(s, fmt.Sprintf("%#x", f.SigningKey[0])+",") {
			t.Errorf("printed: %s", s)
		}
	}
}
