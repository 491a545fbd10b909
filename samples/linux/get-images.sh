#!/bin/sh
# Makes images/ for the launch configurations here: Debian's arm64 kernel, an initial RAM disk with
# Debian's static busybox and the virtio drivers, and an empty disk.
#
# Debian or Ubuntu, any processor, no root: apt-get gets package lists and packages of arm64 into a folder
# of its own, as `dpkg --add-architecture arm64` would into the system's. About 80 MB are downloaded.
#
#   get-images.sh [FOLDER]    FOLDER: where the images go; default: images, beside this script
set -eu

here=$(cd "$(dirname "$0")" && pwd)
images=${1:-$here/images}
for tool in apt-get apt-cache dpkg-deb; do
  command -v "$tool" > /dev/null || {
    echo "$0: $tool is missing: this script needs Debian or Ubuntu." >&2
    exit 1
  }
done
mkdir -p "$images"
images=$(cd "$images" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# apt-get with a state of its own, for one architecture.
apt() {
  architecture=$1 command=$2
  shift 2
  mkdir -p "$work/apt-$architecture/lists/partial" "$work/apt-$architecture/cache/archives/partial"
  "$command" -qq -o APT::Architecture="$architecture" -o APT::Architectures::="$architecture" \
    -o Dir::State::lists="$work/apt-$architecture/lists" -o Dir::Cache="$work/apt-$architecture/cache" \
    -o Dir::State::status=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

# Downloads a package and unpacks it into $work/NAME.
unpack() {
  name=$1 architecture=$2 package=$3
  mkdir -p "$work/debs/$name"
  (cd "$work/debs/$name" && apt "$architecture" apt-get download "$package")
  mkdir -p "$work/$name"
  dpkg-deb -x "$work/debs/$name"/*.deb "$work/$name"
}

echo "Reading Debian's package lists for arm64 ..."
apt arm64 apt-get update
# linux-image-arm64 depends on the kernel of the day.
kernel=$(apt arm64 apt-cache depends linux-image-arm64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
if [ -z "$kernel" ]; then
  echo "$0: the package lists have no linux-image-arm64. Is there an entry of Debian's main in /etc/apt?" >&2
  exit 1
fi
echo "Downloading $kernel ..."
unpack kernel arm64 "$kernel"
echo "Downloading busybox-static ..."
unpack busybox arm64 busybox-static

cpio=$(command -v cpio || true)
if [ -z "$cpio" ]; then
  echo "Downloading cpio, which is not installed here ..."
  host=$(dpkg --print-architecture)
  [ "$host" = arm64 ] || apt "$host" apt-get update
  unpack cpio "$host" cpio
  cpio=$(find "$work/cpio" -path '*bin/cpio' -type f)
fi

cp "$work"/kernel/boot/vmlinuz-* "$images/vmlinuz"

root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/modules" "$root/mnt"
cp "$(find "$work/busybox" -path "*bin/busybox" -type f)" "$root/bin/busybox"
cp "$here/init" "$root/init"
chmod 755 "$root/init" "$root/bin/busybox"
# What the kernel does not have built in, in the order in which it is loaded; a newer kernel may have some.
for module in virtio_mmio virtio_blk virtio-rng virtio_console crc16 crc32c_generic libcrc32c mbcache jbd2 ext4; do
  found=$(find "$work/kernel" -name "$module.ko*" | head -n 1)
  if [ -n "$found" ]; then
    cp "$found" "$root/modules/"
    echo "$(basename "$found")" >> "$root/modules/order"
  fi
done
(cd "$root" && find . | LC_ALL=C sort | "$cpio" --quiet -o -H newc -R 0:0) > "$images/initrd.cpio"

# Sparse: it takes no room until something is written.
[ -e "$images/disk.img" ] || dd if=/dev/zero of="$images/disk.img" bs=1 count=0 seek=64M 2> /dev/null

echo "$kernel" > "$images/version"
ls -l "$images"
