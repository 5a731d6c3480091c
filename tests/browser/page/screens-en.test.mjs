import { everyScreen } from './screens.mjs';

everyScreen('en');
