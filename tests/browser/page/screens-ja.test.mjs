import { everyScreen } from './screens.mjs';

everyScreen('ja');
