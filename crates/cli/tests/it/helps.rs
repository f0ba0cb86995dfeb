//! Help texts.

use clap::CommandFactory;
use trainyard_cli::args::Cli;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help() {
    insta::assert_snapshot!(Cli::command().term_width(80).render_help());
}

#[test]
fn help_of_train() {
    let mut command = Cli::command().term_width(80);
    let train = command.find_subcommand_mut("train").expect("it is there");
    insta::assert_snapshot!(train.render_help());
}
