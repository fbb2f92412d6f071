// The legend, drawn as the bars are: in colour and in shape.

const namespace = "http://www.w3.org/2000/svg";
const shapes = {
  open: '<rect class="accent" x="0" y="5" width="26" height="6"/>',
  kept: '<rect class="kept" x="0" y="5" width="26" height="6"/>',
  done: '<rect class="soft" x="0" y="5" width="26" height="6"/>',
  rejected: '<path class="warn" d="M0 8h16M16 4.5h7v7h-7z"/>',
  lost: '<rect class="lost" x="0" y="5" width="15" height="6"/><path class="cross" d="M17 4l8 8M17 12l8-8"/>',
  refused: '<circle class="ring" cx="13" cy="8" r="3.5"/>',
};

export function legend(list, say) {
  for (const [name, shape] of Object.entries(shapes)) {
    const item = document.createElement("li"), picture = document.createElementNS(namespace, "svg");
    picture.setAttribute("viewBox", "0 0 28 16");
    picture.setAttribute("aria-hidden", "true");
    picture.innerHTML = shape; // a constant from above
    item.append(picture, say("legend." + name));
    list.append(item);
  }
}
