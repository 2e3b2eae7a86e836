package main

import "context"

// keepSpool has this replica write what lies in its spool into the database, until what it gives back is called.
func (app *App) keepSpool() (stop func()) {
	if app.Config.Providers != "" && app.Config.VaultSpool == "" {
		app.Log.Warn("new tokens that cannot be written into the database are lost after a quarter of an hour: VAULT_SPOOL is not set")
	}
	ctx, end := context.WithCancel(app.Context)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		app.Vault.KeepSpool(ctx)
	}()
	return func() { end(); <-kept }
}
