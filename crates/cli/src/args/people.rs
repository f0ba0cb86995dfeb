//! Words about who may log in, and to what.

use clap::{Args, Subcommand};

/// `trainyard user`.
#[derive(Debug, Args)]
pub struct User {
    /// What to do.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What can be done about users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Let somebody log in with a name and a password
    Add(NewUserArgs),
    /// List who may log in
    List,
    /// Give a user another password
    Passwd {
        /// The user
        name: String,
        /// Read it from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make an API key of a user, for programs; it is printed once
    Key {
        /// The user
        name: String,
        /// What the key is for
        key: String,
        /// Take it out of service instead
        #[arg(long)]
        revoke: bool,
    },
    /// Let a user in no more; their runs, definitions and models stay, and the name stays theirs
    Remove {
        /// The user
        name: String,
    },
}

/// `trainyard user add`.
#[derive(Debug, Args)]
pub struct NewUserArgs {
    /// The name: letters, digits and `._@+-`
    pub name: String,
    /// One who may look and change nothing
    #[arg(long)]
    pub read_only: bool,
    /// Read the password from the first line of stdin
    #[arg(long)]
    pub password_stdin: bool,
}

/// `trainyard instance`.
#[derive(Debug, Args)]
pub struct Instance {
    /// What to do.
    #[command(subcommand)]
    pub command: InstanceCommand,
}

/// What can be done about instances.
#[derive(Debug, Subcommand)]
pub enum InstanceCommand {
    /// Make an instance; prints its id, which is the clients' ML_INSTANCE or `instance_id`
    Create {
        /// Its name
        name: String,
        /// A user who belongs to it; may be given several times
        #[arg(long = "member", value_name = "USER")]
        members: Vec<String>,
    },
    /// List instances and their members
    List,
    /// Make a user a member, or no member any more
    Member {
        /// The instance, by name or id
        instance: String,
        /// The user
        user: String,
        /// Take the user out
        #[arg(long)]
        remove: bool,
    },
    /// Remove an instance; what its members made stays theirs
    Delete {
        /// The instance, by name or id
        instance: String,
    },
}
