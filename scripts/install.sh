#!/usr/bin/env bash
# install.sh install|uninstall: header, libraries, and what pkg-config and CMake need to find them.
#   PREFIX   absolute, default /usr/local
#   LIBDIR   within PREFIX, default lib
#   DESTDIR  default none: put before every path, for a package that is unpacked elsewhere
# What was installed, and which folders were made for it, stands in a list that uninstalling goes back through.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-lib}
root=${DESTDIR:-}

if [[ $prefix != /* || $libdir == /* || $prefix$libdir == *[[:space:]]* ]]; then
    echo "PREFIX is '$prefix' and LIBDIR '$libdir': expected an absolute path and one within it, without spaces." >&2
    exit 1
fi

umask 022
prefix=$(realpath -ms "$prefix")
version=$(sed -n 's/^#define PULLPUSH_VERSION_STRING "\(.*\)"/\1/p' include/pullpush.h)
soname=libpullpush.so.${version%%.*}
file=libpullpush.so.$version
list=$prefix/share/pullpush/installed.txt

# record PLACE: a folder ends in a slash. Uninstalling starts at the end.
record() {
    echo "$1" >>"$root$list"
}

# folder PATH: makes it and those above, as far as they are missing.
folder() {
    [[ -d $root$1 ]] && return
    folder "$(dirname "$1")"
    install -d "$root$1"
    made+=("$1/")
    [[ ! -f $root$list ]] || record "$1/"
}

# put MODE SOURCE PLACE
put() {
    folder "$(dirname "$3")"
    install -m "$1" "$2" "$root$3"
    record "$3"
}

# link TARGET PLACE
link() {
    ln -sf "$1" "$root$2"
    record "$2"
}

# fill TEMPLATE PLACE: the template with its words between @ replaced.
fill() {
    local text up
    up=$(realpath -ms --relative-to="$(dirname "$2")" "$prefix")
    text=$(<"$1")
    text=${text//@PREFIX@/"$prefix"}
    text=${text//@LIBDIR@/"$libdir"}
    text=${text//@UP@/"$up"}
    text=${text//@VERSION@/"$version"}
    text=${text//@FILE@/"$file"}
    text=${text//@SONAME@/"$soname"}
    put 644 <(echo "$text") "$2"
}

# The loader finds what lies in its own folders by a cache.
refresh_cache() {
    if [[ -z $root && $(id -u) -eq 0 ]] && ldconfig -NXv 2>/dev/null | grep "^$prefix/$libdir: " >/dev/null; then
        ldconfig
    fi
}

remove() {
    local places i
    mapfile -t places <"$root$list"
    for ((i = ${#places[@]} - 1; i >= 0; i--)); do
        case ${places[i]} in
            */) rmdir --ignore-fail-on-non-empty "$root${places[i]}" ;;
            *) rm -f "$root${places[i]}" ;;
        esac
    done
}

case ${1:-} in
    install)
        # What an earlier version had and this one has not must not stay behind.
        [[ ! -f $root$list ]] || remove
        made=()
        mkdir -p "$root/"
        folder "$(dirname "$list")"
        : >"$root$list"
        for place in "${made[@]}" "$list"; do record "$place"; done

        put 644 include/pullpush.h "$prefix/include/pullpush.h"
        put 755 "build/$file" "$prefix/$libdir/$file"
        link "$file" "$prefix/$libdir/$soname"
        link "$soname" "$prefix/$libdir/libpullpush.so"
        put 644 build/libpullpush.a "$prefix/$libdir/libpullpush.a"
        fill packaging/pullpush.pc.in "$prefix/$libdir/pkgconfig/pullpush.pc"
        for name in pullpush-config.cmake pullpush-config-version.cmake; do
            fill "packaging/$name.in" "$prefix/$libdir/cmake/pullpush/$name"
        done
        for name in LICENSE README.md CHANGELOG.md; do
            put 644 "$name" "$prefix/share/doc/pullpush/$name"
        done
        refresh_cache
        echo "PullPush $version is installed in $root$prefix."
        ;;
    uninstall)
        if [[ ! -f $root$list ]]; then
            echo "PullPush is not installed in $root$prefix: there is no $root$list." >&2
            exit 1
        fi
        remove
        refresh_cache
        echo "PullPush is removed from $root$prefix."
        ;;
    *)
        echo "usage: $0 install|uninstall" >&2
        exit 2
        ;;
esac
