# SPDX-License-Identifier: MIT
# Completion of duet in bash, loaded by bash-completion under the name of the program. The program itself says what a word
# may become, so that nothing here has to be kept in step with it. '=' and ':' part words in bash: only what lies behind
# the last of them is bash's to replace.
_duet() {
    local cur words cword line kept options=()
    _get_comp_words_by_ref -n =: cur words cword || return
    kept=${cur%"${cur##*[=:]}"}
    while IFS= read -r line; do
        case $line in
            ':folders') options+=(-d) ;;
            ':files '*) options+=("@(${line#:files })") ;;
            ':files') options+=('') ;;
            *) line=${line%%$'\t'*} && COMPREPLY+=("${line#"$kept"}") ;;
        esac
    done < <("${words[0]/#\~/$HOME}" complete "${words[@]:1:cword}" 2>/dev/null)
    # a run that is offered is not offered once more as a folder
    if [[ ${#options[@]} -gt 0 && (${options[0]} != -d || ${#COMPREPLY[@]} -eq 0) ]]; then
        cur=${cur#"$kept"}
        _filedir ${options[0]:+"${options[0]}"}
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
} && complete -F _duet duet
