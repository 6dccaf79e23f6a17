package wire

import (
	"crypto/dsa" //nolint:staticcheck // deprecated, as its use in I2P is; old Destinations still have it
	"crypto/sha1"
	"math/big"
)

// The parameters that all DSA keys of I2P share
// (https://i2p.net/docs/specs/cryptography, "DSA").
var dsaParameters = dsa.Parameters{
	P: bigHex("9C05B2AA960D9B97B8931963C9CC9E8C3026E9B8ED92FAD0" +
		"A69CC886D5BF8015FCADAE31A0AD18FAB3F01B00A358DE23" +
		"7655C4964AFAA2B337E96AD316B9FB1CC564B5AEC5B69A9F" +
		"F6C3E4548707FEF8503D91DD8602E867E6D35D2235C1869C" +
		"E2479C3B9D5401DE04E0727FB33D6511285D4CF29538D9E3" +
		"B6051F5B22CC1C93"),
	Q: bigHex("A5DFC28FEF4CA1E286744CD8EED9D29D684046B7"),
	G: bigHex("0C1F4D27D40093B429E962D7223824E0BBC47E7C832A3923" +
		"6FC683AF84889581075FF9082ED32353D4374D7301CDA1D2" +
		"3C431F4698599DDA02451824FF369752593647CC3DDC197D" +
		"E985E43D136CDCFC6BD5409CD2F450821142A5E6F8EB1C3A" +
		"B5D0484B8129FCF17BCE4F7F33321C3CB3DBB14A905E7B2B" +
		"3E93BE4708CBCC82"),
}

func bigHex(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("wire: not hexadecimal: " + s)
	}
	return n
}

// verifyDSA verifies a signature R‖S of SHA-1(message).
func verifyDSA(key, message, sig []byte) bool {
	var y, r, s big.Int
	y.SetBytes(key)
	// 0 and 1 would verify whatever one likes.
	if y.Cmp(big.NewInt(1)) <= 0 || y.Cmp(dsaParameters.P) >= 0 {
		return false
	}
	digest := sha1.Sum(message)
	pub := dsa.PublicKey{Parameters: dsaParameters, Y: &y}
	return dsa.Verify(&pub, digest[:], r.SetBytes(sig[:20]), s.SetBytes(sig[20:]))
}
