package keyring

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// freeze writes vectors that are not there yet. Those that are there are never written again: they stand
// for data that customers have.
var freeze = flag.Bool("freeze", false, "make the vectors in testdata that are missing")

// exchange and item are cmd/tinkv1's.
type exchange struct {
	Master []byte `json:"master"`
	Cases  []item `json:"cases"`
}

type item struct {
	Primitive   string `json:"primitive"`
	WrapContext []byte `json:"wrap_context"`
	Keyset      []byte `json:"keyset"`
	Input       []byte `json:"input"`
	Context     []byte `json:"context"`
	Output      []byte `json:"output"`
}

const v1Account = 11

// interopCases asks for a keyset of every purpose, used as keyring uses it, and for AES-SIV.
func interopCases() []item {
	var cases []item
	for _, p := range chat.KeysetPurposes {
		ks := chat.Keyset{AccountID: v1Account, Purpose: p, Generation: 1}
		c := item{Primitive: "aead", WrapContext: wrapContext(&ks), Input: []byte("from " + string(p))}
		switch p {
		case chat.KeysetIndex, chat.KeysetAlias:
			c.Primitive, c.Input = "prf", tagInput(TableContacts, FieldEmail, []byte("ann@example.com"))
		default:
			c.Context = make([]byte, aadLen)
			putAAD(c.Context, kindAccountValue, v1Account, emailPlace, 0, newHead(1))
		}
		cases = append(cases, c)
	}
	return append(cases,
		item{Primitive: "daead", WrapContext: []byte("siv"), Input: []byte("identifier 7"), Context: []byte("account 1")},
		item{Primitive: "daead", WrapContext: []byte("siv"), Input: []byte{}, Context: []byte{}},
		item{Primitive: "aead", WrapContext: []byte{}, Input: []byte{}, Context: []byte{}})
}

// TestTinkV1Interop proves both ways, with a real process, that the two Tinks share keysets and data.
func TestTinkV1Interop(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "tinkv1")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/cloakroom/cloakroom/cmd/tinkv1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build tinkv1: %v\n%s", err, out)
	}
	fromV1 := runV1(t, program, "fill", exchange{Cases: interopCases()})
	checkExchange(t, fromV1)
	checkKeyringOpens(t, fromV1)
	if path := filepath.Join("testdata", "tinkv1.json"); *freeze {
		writeOnce(t, path, fromV1)
	}

	fromV2 := exchange{Cases: interopCases()}
	master, clear := newMasterV2(t)
	fromV2.Master = clear
	for i := range fromV2.Cases {
		fillV2(t, master, &fromV2.Cases[i])
	}
	checkExchange(t, fromV2)
	if got := runV1(t, program, "check", fromV2); !cmp.Equal(fromV2, got) {
		t.Error("tinkv1 changed what it checked")
	}
	fromV2.Cases[0].Output[9] ^= 1
	if err := v1Command(t, program, "check", fromV2).Run(); err == nil {
		t.Error("tinkv1 opened a ciphertext that was changed")
	}
}

// TestTinkV1Frozen opens what v1.7.0 wrote when the formats were settled.
func TestTinkV1Frozen(t *testing.T) {
	t.Parallel()
	var x exchange
	readJSON(t, filepath.Join("testdata", "tinkv1.json"), &x)
	if len(x.Cases) != len(interopCases()) {
		t.Fatalf("there are %d frozen cases, want %d", len(x.Cases), len(interopCases()))
	}
	checkExchange(t, x)
	checkKeyringOpens(t, x)
}

func v1Command(t *testing.T, program, verb string, x exchange) *exec.Cmd {
	t.Helper()
	in, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, verb)
	cmd.Stdin = bytes.NewReader(in)
	return cmd
}

func runV1(t *testing.T, program, verb string, x exchange) exchange {
	t.Helper()
	var out, problems bytes.Buffer
	cmd := v1Command(t, program, verb, x)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("tinkv1 %s: %v: %s", verb, err, problems.String())
	}
	var got exchange
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func newMasterV2(t testing.TB) (tink.AEAD, []byte) {
	t.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&b)); err != nil {
		t.Fatal(err)
	}
	return readMasterV2(t, b.Bytes()), b.Bytes()
}

func readMasterV2(t testing.TB, clear []byte) tink.AEAD {
	t.Helper()
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(clear)))
	if err != nil {
		t.Fatal(err)
	}
	master, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	return master
}

func fillV2(t *testing.T, master tink.AEAD, c *item) {
	t.Helper()
	template := map[string]*tinkpb.KeyTemplate{
		"aead": aead.AES256GCMKeyTemplate(), "daead": daead.AESSIVKeyTemplate(), "prf": prf.HMACSHA256PRFKeyTemplate(),
	}[c.Primitive]
	handle, err := keyset.NewHandle(template)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), master, c.WrapContext); err != nil {
		t.Fatal(err)
	}
	c.Keyset = b.Bytes()
	if c.Output, err = doV2(handle, c); err != nil {
		t.Fatal(err)
	}
}

func doV2(handle *keyset.Handle, c *item) ([]byte, error) {
	switch c.Primitive {
	case "aead":
		p, err := aead.New(handle)
		if err != nil {
			return nil, err
		}
		return p.Encrypt(c.Input, c.Context)
	case "daead":
		p, err := daead.New(handle)
		if err != nil {
			return nil, err
		}
		return p.EncryptDeterministically(c.Input, c.Context)
	case "prf":
		p, err := prf.NewPRFSet(handle)
		if err != nil {
			return nil, err
		}
		return p.ComputePrimaryPRF(c.Input, 16)
	}
	return nil, fmt.Errorf("primitive %q", c.Primitive)
}

// checkExchange opens everything with tink-go v2.
func checkExchange(t *testing.T, x exchange) {
	t.Helper()
	master := readMasterV2(t, x.Master)
	for i := range x.Cases {
		c := &x.Cases[i]
		handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(c.Keyset)), master, c.WrapContext)
		if err != nil {
			t.Fatalf("case %d (%s): unwrap: %v", i, c.Primitive, err)
		}
		if c.Primitive == "aead" {
			p, err := aead.New(handle)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.Decrypt(c.Output, c.Context); err != nil || !bytes.Equal(got, c.Input) {
				t.Errorf("case %d (%s): did not open to what was sealed: %v", i, c.Primitive, err)
			}
			continue
		}
		if got, err := doV2(handle, c); err != nil || !bytes.Equal(got, c.Output) {
			t.Errorf("case %d (%s): the same input gave another output: %v", i, c.Primitive, err)
		}
	}
}

// checkKeyringOpens uses the keysets of an exchange as an account's, through the keyring itself.
func checkKeyringOpens(t *testing.T, x exchange) {
	t.Helper()
	sets := &memory{}
	for i, p := range chat.KeysetPurposes {
		sets.rows = append(sets.rows, chat.Keyset{
			AccountID: v1Account, Purpose: p, Generation: 1, State: chat.KeysetActive, Wrapped: x.Cases[i].Keyset,
		})
	}
	k, err := New(masterOver(readMasterV2(t, x.Master), testMaster), sets)
	if err != nil {
		t.Fatal(err)
	}
	a := mustAccount(t, k, v1Account)
	envelope := make([]byte, envelopeHead)
	putEnvelope(envelope, newHead(1), 0)
	got, err := a.Open(emailPlace, append(envelope, x.Cases[0].Output...))
	if err != nil || string(got) != "from data" {
		t.Errorf("the keyring opened a value of v1 to %d bytes, error %v", len(got), err)
	}
	tag, err := a.Tag(FieldEmail, []byte("ann@example.com"))
	if err != nil || !bytes.Equal(tag, x.Cases[1].Output) {
		t.Errorf("the keyring's blind index differs from v1's, error %v", err)
	}
}

// writeOnce freezes vectors.
func writeOnce(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if os.IsExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}
