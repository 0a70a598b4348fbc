import { nameSources, readPlaces } from "./bundle-places.js";

// The first thing that bundled programs and threads load; the build puts it in front of them.
const directory = new URL("./", import.meta.url).href;
nameSources(directory, (file) => readPlaces(directory, file));
