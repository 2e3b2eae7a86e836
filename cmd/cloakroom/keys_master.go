package main

import (
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/keyring"
)

// KeysCreateMasterCmd is `cloakroom keys create-master`.
type KeysCreateMasterCmd struct {
	To string `required:"" placeholder:"URI" help:"local-file://PATH, hcvault://HOST[:PORT]/MOUNT/keys/NAME, aws-kms://arn:aws:kms:REGION:ACCOUNT:alias/NAME or gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K."`
}

// Run makes the key. One that is there already is tried and left as it is.
func (c *KeysCreateMasterCmd) Run(app *App) error {
	services := app.Config.keyServices()
	master, err := services.Open(app.Context, c.To, false)
	if err == nil {
		_, err = fmt.Fprintf(app.Stdout, "%s is there already and works; nothing was made.\n", master.URI())
		return err
	}
	if !errors.Is(err, keyring.ErrNoKey) {
		return err
	}
	if master, err = services.Open(app.Context, c.To, true); err != nil {
		return err
	}
	_, err = fmt.Fprintf(app.Stdout, "%s is made and works. Set MASTER_KEY to it.\n\n"+
		"Without this key nothing that is sealed can be opened, by anybody: see that it is backed up, and apart from the database's backups.\n", master.URI())
	return err
}
