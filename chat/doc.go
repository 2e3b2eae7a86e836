// Package chat is the room of words: the types every other room speaks in, such as Account, Viewer,
// Contact, Conversation, Message and Error.
// Nothing comes in but the standard library; values are made by store and vault and carried to the edge.
// No address leaves this package by accident: personal values are of type PII, which prints, formats,
// logs and marshals as "[redacted]" and gives its text only to Reveal and to the GraphQL writer.
package chat
