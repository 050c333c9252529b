#!/bin/sh
# Writes, as Markdown, what a pull request does to the pipeline: the stages it makes stale, and what
# params, metrics and artifacts it changes. Needs git's history, and no data.
#
#   review.sh BASE [HEAD] [FILE]
#
# BASE is the branch it goes into, HEAD what is reviewed (HEAD), FILE where to write (stdout).
# Ends with 1 where `pivot verify --allow-missing` finds that results were not committed, or cannot
# be had; with 2 where something is wrong, or a version cannot be read in all. PIVOT names another command, PIVOT_FETCH=1 asks the
# remote for metrics that are only there.
set -eu

if [ $# -lt 1 ] || [ $# -gt 3 ]; then
    echo "usage: review.sh BASE [HEAD] [FILE]" >&2
    exit 2
fi
base=$1
head=${2:-HEAD}
file=${3:-}
pivot=${PIVOT:-pivot}
fetch=${PIVOT_FETCH:+--fetch}
most=60000 # GitHub takes 65,536 characters

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

shallow=$(git rev-parse --is-shallow-repository) || exit 2

# In a shallow clone the history is missing, and often the base's branch too; elsewhere the words
# are wrong, and nothing could be fetched.
refuse() {
    echo "review.sh: $1" >&2
    branch=${base#origin/}
    if [ "$shallow" = true ]; then
        echo "  fetch the history: fetch-depth: 0 in actions/checkout, or here" >&2
        echo "  \`git fetch --unshallow origin $branch:refs/remotes/origin/$branch" \
            "$(git branch --show-current)\`, and then review.sh origin/$branch" >&2
    else
        echo "  \`git branch --all\` and \`git tag\` list what there is" >&2
    fi
    exit 2
}

for revision in "$base" "$head"; do
    git rev-parse --quiet --verify "$revision^{commit}" >/dev/null ||
        refuse "there is no revision '$revision' here"
done
fork=$(git merge-base "$base" "$head") || refuse "'$base' and '$head' have no common ancestor here"
old=$(git rev-parse --short "$fork")
new=$(git rev-parse --short "$head")

# Runs a command whose output goes into the comment. What a version cannot show is said in the
# comment too, once, and ends with 2: to leave it out would look as if it had been deleted.
unknown=0
part() {
    code=0
    "$@" >"$work/part" 2>"$work/errors" || code=$?
    cat "$work/errors" >&2
    [ "$code" -le 2 ] || exit 2
    [ "$code" -eq 0 ] || unknown=2
}

why() {
    if [ "$code" -ne 0 ] && ! cmp -s "$work/errors" "$work/told"; then
        printf '\n**Not all of it is known:**\n\n```\n'
        cat "$work/errors"
        printf '```\n'
        cp "$work/errors" "$work/told"
    elif [ "$code" -ne 0 ]; then
        printf '\nWhat cannot be read is left out.\n'
    fi
}

# A table under its title, where it has rows: the first two lines are its head.
table() {
    printf '\n### %s\n' "$1"
    shift
    part "$@"
    if [ "$(wc -l <"$work/part")" -gt 2 ]; then
        echo
        cat "$work/part"
    elif [ "$code" -eq 0 ]; then
        printf '\nNo changes.\n'
    fi
    why
}

state=0
{
    echo '<!-- pivot review -->'
    part "$pivot" impact "$base" "$new" --md
    cat "$work/part"
    why
    # shellcheck disable=SC2086 # empty, or one option
    table Params "$pivot" params diff "$old" "$new" --md $fetch
    # shellcheck disable=SC2086
    table Metrics "$pivot" metrics diff "$old" "$new" --md $fetch
    table Artifacts "$pivot" diff "$old" "$new" --md
} >"$work/review"

"$pivot" verify --allow-missing --rev "$head" >"$work/verify" 2>&1 || state=$?
{
    printf '\n### Verified\n\n'
    if [ "$state" -eq 0 ]; then
        cat "$work/verify"
    elif [ "$state" -gt 1 ]; then
        printf '**They cannot be verified.**\n\n```\n'
        cat "$work/verify"
        printf '```\n'
    else
        printf '**The committed results do not stand.** Run `pivot repro`, commit the locks, and '
        printf '`pivot push`.\n\n```\n'
        cat "$work/verify"
        printf '```\n'
    fi
} >>"$work/review"
[ "$state" -le 1 ] || cat "$work/verify" >&2

if [ "$(wc -c <"$work/review")" -gt $most ]; then
    head -c $most "$work/review" >"$work/short"
    # never half a line, which could be half a character
    sed '$d' "$work/short" >"$work/review"
    printf '\n... cut: it is longer than a comment may be.\n' >>"$work/review"
fi

if [ -n "$file" ]; then
    cat "$work/review" >"$file"
else
    cat "$work/review"
fi
if [ "$state" -gt 1 ] || [ "$unknown" -ne 0 ]; then
    exit 2
fi
exit "$state"
